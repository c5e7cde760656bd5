// SPDX-License-Identifier: Apache-2.0
// The bindings of a local home: RFC 3261 10.3 over one shard's clients. No packets, no clock of its own: the shard gives the time.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "viaduct/assign/locations.h"
#include "viaduct/base/address.h"
#include "viaduct/base/hash.h"
#include "viaduct/sip/message.h"

namespace viaduct::location {

using ClientKey = base::Hash128;

/// For containers of clients: the key is a keyed hash already.
struct ClientKeyHash {
  std::size_t operator()(const ClientKey& key) const noexcept { return key.low; }
};

/// Bounds and defaults of expiry, seconds, and of bindings per AoR.
struct Rules {
  std::uint32_t expires_default_s{3600};
  std::uint32_t expires_min_s{60};
  std::uint32_t expires_max_s{7200};
  std::uint32_t expires_spread_percent{
      0};   ///< an expiry is granted up to so much shorter, at random, so that clients that came together do not come again together
  std::uint32_t bindings_per_aor_max{10};
  std::size_t bindings_max{1'000'000};
};

/// One REGISTER, indexed without fault, and what its way here tells.
struct Registration {
  const sip::Message& message;
  std::string_view aor;          ///< canonical
  ClientKey key;
  base::Endpoint flow;           ///< its source
  base::Endpoint next;           ///< where requests for its bindings are sent: its first Path's place, or the flow
  std::uint8_t listener{};       ///< ours, by number, that it came to
  bool is_own_flow{};            ///< no proxy but an edge of the fleet stands between
  std::string_view path;         ///< values of its Path in one line, without line ends
  bool supports_path{};          ///< RFC 3327 5.1
  bool supports_outbound{};      ///< RFC 5626 6
  bool supports_gruu{};          ///< RFC 5627 5.1
  std::uint64_t shape{};         ///< what of the REGISTER the next one is likely to have in common with it, as one number; 0: that is not asked for
};

/// A binding that the operator makes.
struct NewBinding {
  ClientKey key;
  std::string_view aor;          ///< canonical
  std::string_view uri;          ///< well-formed, at most contact_uri_bytes_max octets
  base::Endpoint place;          ///< where requests for it are sent
  std::uint8_t listener{};       ///< ours, by number, that they leave from
  std::optional<std::uint32_t> expires_s;
};

/// What a REGISTER came to: the status, and the header lines of its answer.
struct Outcome {
  std::uint16_t status{};          ///< 200, 400, 403 (too many bindings, or more than its client can be told of), 423, 500, 503
  sip::Bad fault{sip::Bad::none};  ///< for 400
  std::string headers;             ///< Contact lines with remaining expires, Min-Expires, Retry-After; each with CRLF
  bool is_outbound{};              ///< it has registered a Contact as RFC 5626 says: the answer requires `outbound`
};

/// A binding as an operator sees it.
struct BindingView {
  std::string contact;
  std::uint32_t expires_in_s{};
  std::optional<std::uint32_t> registered_ago_s;   ///< since the last REGISTER that made or refreshed it; nullopt: none did, or it is not known
  base::Endpoint flow;
  std::string instance, path;
  std::uint32_t reg_id{}, cseq{};
};

/// Why bindings that are gone are.
enum class Departure : std::uint8_t {
  unregistered,   ///< by a REGISTER
  expired,
  deactivated,    ///< by the operator
  rejected        ///< by the operator, who does not want him to come again
};

/// What became of a client's bindings.
struct BindingsChange {
  const ClientKey& key;
  std::string_view aor;                             ///< canonical
  const assign::Location* before{};                 ///< null: there were none
  std::span<const assign::BindingText> after;
  Departure why{};                                  ///< of those of `before` that are gone
  std::uint64_t now_s{};
  bool is_elsewhere{};                              ///< they are a third-party home's, as far as they are seen here
};

/// Who hears of each change, before anybody can see it. Thread: the bindings'.
class BindingsObserver {
 public:
  virtual ~BindingsObserver() = default;
  virtual void bindings_changed(const BindingsChange& change) = 0;
};

/// Who knows how long an answer may be. Thread: the bindings'.
class AnswerLimit {
 public:
  virtual ~AnswerLimit() = default;
  /// Whether a REGISTER may be answered with that 200, which lists all bindings (RFC 3261 10.3 step 8). Asked before anything changes for it.
  [[nodiscard]] virtual bool allows(const Registration& registration, const Outcome& outcome) = 0;
};

/// One shard's bindings. Thread: its shard's.
class Bindings {
 public:
  /// Shape: `locations` is the shard's, and outlives this; `hash_key` is the same after a restart.
  Bindings(const Rules& rules, assign::LocationMap& locations, const base::Key128& hash_key);
  ~Bindings();
  /// So that a client's bindings are at hand when his REGISTER is processed: the first step, and when others have had theirs, the second.
  void prefetch(const ClientKey& key) const;
  void prefetch_location(const ClientKey& key) const;
  /// Process one REGISTER; `now_s` is a monotonic clock in seconds.
  /// All or nothing: on a status other than 200 nothing has changed. The same (Call-ID, CSeq, branch) again is a retransmission and is answered alike.
  /// One of the shape of the REGISTER that has made the client's only binding is not read again: that shape says what stands in it.
  Outcome process(const Registration& registration, std::uint64_t now_s);
  /// The answer to a REGISTER that changes nothing: all bindings of its client.
  [[nodiscard]] Outcome list(const Registration& registration, std::uint64_t now_s);
  /// Make a binding by administrative action: within the bounds of a REGISTER's, and refreshed by one of the same contact. Of a contact that is bound already only the
  /// expiry changes. Returns 200, or 403, 423 or 503 as `process`, on which nothing has changed. Source: RFC 3680 4.7.1 (`created`).
  [[nodiscard]] std::uint16_t create(const NewBinding& binding, std::uint64_t now_s);
  /// What somebody else's registrar says that a client's bindings are takes the place of what was known of them.
  void replace(const ClientKey& key, std::string_view aor, std::span<const assign::BindingText> bindings, std::uint64_t now_s);
  /// Drop what has expired; cost bounded by what is due.
  void expire(std::uint64_t now_s);
  [[nodiscard]] std::vector<BindingView> of(const ClientKey& key, std::uint64_t now_s) const;
  /// Remove all bindings of a client, whatever they are. Returns how many there were.
  std::size_t remove(const ClientKey& key, std::uint64_t now_s, Departure why = Departure::deactivated);
  /// Put a client's bindings back, as they were before a restart; those that have expired are left out, and none lasts longer than is granted now, which is a
  /// change: false. Shape: one or more; nothing is known of the client.
  bool restore(const ClientKey& key, std::string_view aor, std::span<const assign::BindingText> bindings, std::uint64_t now_s);
  /// Up to so many clients whose rows have changed since they were last taken from here, each once, the longest unsaved first.
  [[nodiscard]] std::vector<ClientKey> take_changed(std::size_t most);
  /// All are to be taken again: what their rows mean has changed. Cost: a step for each client.
  void note_all();
  [[nodiscard]] const assign::Location* location(const ClientKey& key) const;
  [[nodiscard]] std::size_t clients() const;
  [[nodiscard]] std::size_t bindings() const;
  void set_rules(const Rules& rules);
  [[nodiscard]] const Rules& rules() const;
  /// Who hears of changes from now on; restoring is none.
  void set_observer(BindingsObserver& observer);
  /// Who is asked about each 200 from now on; without, each may be given.
  void set_answer_limit(AnswerLimit& limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::location
