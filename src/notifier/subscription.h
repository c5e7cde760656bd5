// SPDX-License-Identifier: Apache-2.0
// One subscription to a client's registrations: the dialog it is in, and what its subscriber is still to be told. In one piece of memory, its texts behind it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/base/wheel.h"
#include "viaduct/notifier/watchers.h"
#include "viaduct/store/row_state.h"

namespace viaduct::notifier {

/// A moment of the notifier's clock, in ticks of 100 ms: timers E and F (RFC 3261 17.1.2.2) need no finer one.
using Tick = std::uint32_t;
inline constexpr std::uint32_t tick_ms = 100;
inline constexpr Tick ticks_per_s = 1000 / tick_ms;

/// What the next NOTIFY tells.
enum class Due : std::uint8_t {
  nothing,
  changes,      ///< contacts that have changed, from `from` of the client's log on
  rest,         ///< what had no room in the NOTIFY of full state: contacts from `from` on
  everything    ///< full state
};

/// The dialog as it was set up; RFC 3261 12.1.1. Empty texts: as said.
struct DialogTexts {
  std::string_view aor;          ///< canonical, of the client that is watched
  std::string_view call_id;
  std::string_view remote_tag;
  std::string_view remote_uri;   ///< the subscriber's, from From; empty: `sip:` and aor
  std::string_view local_uri;    ///< from To; empty: `sip:` and aor
  std::string_view target;       ///< the subscriber's Contact
  std::string_view routes;       ///< the route set in one line; empty: none
  std::string_view event_id;     ///< of its Event header
  bool operator==(const DialogTexts&) const = default;
};

/// Octets of a dialog's texts but for the AoR: more than twice those of a dialog with four routes, and what leaves room in a NOTIFY for the longest contact.
inline constexpr std::size_t dialog_texts_bytes_max = 2048;
[[nodiscard]] inline bool is_too_large(const DialogTexts& t) {
  return t.call_id.size() + t.remote_tag.size() + t.remote_uri.size() + t.local_uri.size() + t.target.size() + t.routes.size() + t.event_id.size() >
         dialog_texts_bytes_max;
}

/// The URI of a client, unless it is the one that an empty text stands for.
[[nodiscard]] inline std::string_view unless_plain(std::string_view uri, std::string_view aor) {
  const bool is_plain = uri.size() == 4 + aor.size() && uri.starts_with("sip:") && uri.ends_with(aor);
  return is_plain ? std::string_view{} : uri;
}

/// A NOTIFY without a final answer.
struct OpenNotify {
  std::string octets;
  base::Endpoint to;
  std::uint8_t listener{};
  std::uint8_t sends{};
  std::uint8_t interval{};     ///< ticks to the next sending
  bool is_first{};             ///< of its subscription: the subscriber has not yet shown that it is there
  bool is_missed{};            ///< it is not sent again, and the pace counts it as not answered
  bool shortens{};             ///< as Standing::shortens, when it was made
  Tick began{};
  Tick next{};
};

/// All of a subscription that changes, without its texts.
struct Standing {
  base::Endpoint next;               ///< where its NOTIFYs are sent
  std::uint8_t listener{};           ///< ours, by number
  Ending ending{Ending::none};       ///< its last NOTIFY is due, or sent
  Due due{Due::nothing};
  bool is_urgent{};                  ///< what is due does not wait for the interval: the subscriber has asked, or it ends
  bool is_unchanged{};               ///< the state is the one that the subscriber has: the body stays away (RFC 5839)
  bool repeats_cseq{};               ///< the next NOTIFY is one that was under way at a restart: it has the same CSeq
  bool was_redirected{};             ///< a 3xx was followed, and nothing answered with a 2xx since
  bool was_retried{};                ///< a Retry-After was waited for, and nothing answered with a 2xx since
  bool was_heard{};                  ///< a NOTIFY has been answered
  bool wants_everything{};           ///< nobody knows what it has missed: a restart was between, or what it is told in parts has changed
  bool shortens{};  ///< what is due asks the client to register again: its contacts are shown with that event, or `probation` at the end, for retry_after_s
  bool is_elsewhere{};  ///< the client's home is a third party's: what is seen of it is told (sightings.h)
  bool is_implicit{};  ///< by a REGISTER with `Event: registration` (implicit.cpp); it hears nothing but its end
  store::RowState row;
  std::uint16_t from{};  ///< with Due::changes and Due::rest
  std::uint32_t remote_cseq{};
  std::uint32_t local_cseq{};  ///< of the latest NOTIFY
  std::uint32_t version{};  ///< of the next body
  std::uint32_t retry_after_s{};  ///< with Ending::probation, and `shortens`
  std::uint32_t interval_min_ms{};  ///< that the subscriber asked for (RFC 6446); 0: none
  std::uint32_t interval_max_ms{};
  Tick expires{};
  Tick told{};  ///< when the latest NOTIFY began
  Tick retry_at{};  ///< not before: the subscriber said so with Retry-After
};

class Subscription : public base::Timer {
 public:
  struct Delete {
    void operator()(Subscription* subscription) const;
  };
  using Owner = std::unique_ptr<Subscription, Delete>;
  [[nodiscard]] static Owner make(const location::ClientKey& client, std::uint64_t dialog, const DialogTexts& texts);

  [[nodiscard]] DialogTexts texts() const;
  [[nodiscard]] std::string_view aor() const { return texts().aor; }
  [[nodiscard]] bool ends() const { return standing.ending != Ending::none; }
  /// The NOTIFY under way asks its client to register again, and the subscription has not been ended since.
  [[nodiscard]] bool is_asking() const { return open && open->shortens && !(ends() && standing.due != Due::nothing); }
  [[nodiscard]] std::size_t bytes() const;  ///< of memory, without an open NOTIFY

  const location::ClientKey client;
  const std::uint64_t dialog;  ///< keyed hash of Call-ID and the subscriber's tag, or of the contact that a REGISTER has bound: our tag
  Subscription* dialog_chain{};  ///< the table's
  Subscription* client_chain{};  ///< the table's
  std::unique_ptr<OpenNotify> open;
  Standing standing;

 private:
  Subscription(const location::ClientKey& watched, std::uint64_t id) : client(watched), dialog(id) {}
  static constexpr std::size_t texts_count = 8;
  std::uint16_t text_bytes_[texts_count]{};
};

}  // namespace viaduct::notifier
