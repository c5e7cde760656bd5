// SPDX-License-Identifier: Apache-2.0
// Who watches the registrations of clients, of a local home or of a third party's: the notifier of RFC 6665 for the package `reg` of RFC 3680, and for the one that
// a REGISTER with `Event: registration` implies ([MS-SIPREGE]). No packets, no clock of its own.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/base/limits.h"
#include "viaduct/location/bindings.h"
#include "viaduct/location/row.h"
#include "viaduct/notifier/sightings.h"
#include "viaduct/share/counters.h"
#include "viaduct/sip/token.h"
#include "viaduct/site/site.h"
#include "viaduct/store/rows.h"

namespace viaduct::notifier {

// One row a counter: name, and what it counts.
#define VIADUCT_WATCHER_COUNTERS(X)                                                                     \
  X(subscribed, "subscriptions begun, one-time questions and those that a REGISTER implies among them") \
  X(ended, "subscriptions that are over, for whatever reason")                                          \
  X(notifies, "NOTIFYs begun")                                                                          \
  X(notified, "NOTIFYs answered with a 2xx")                                                            \
  X(repeated, "NOTIFYs sent again (timer E)")                                                           \
  X(unanswered, "NOTIFYs given up (timer F), and their subscriptions with them")                        \
  X(failed, "NOTIFYs answered with an error")                                                           \
  X(unsent, "NOTIFYs with no way to their subscriber, or too large")                                    \
  X(slowed, "times that the pace was cut since too many NOTIFYs were not answered")                     \
  X(answers, "responses taken from the workers")                                                        \
  X(answers_stray, "of answers: those to NOTIFYs that are no longer open")

struct WatcherCounters {
#define X(name, what) share::Counter name;
  VIADUCT_WATCHER_COUNTERS(X)
#undef X
};

/// Bounds and defaults of subscriptions.
struct WatchRules {
  std::uint32_t expires_default_s{3761};  ///< RFC 3680 4.4
  std::uint32_t expires_min_s{60};
  std::uint32_t expires_max_s{7200};
  std::uint32_t per_client_max{32};  ///< subscriptions to one client
  std::size_t subscriptions_max{100'000};  ///< in the shard
  std::uint32_t interval_ms{5'000};  ///< between NOTIFYs of one subscription, but for answers to a SUBSCRIBE and the last one (RFC 3680 4.10)
  std::uint32_t notifies_per_s{5'000};  ///< of the shard, repetitions not counted
  std::size_t open_max{50'000};  ///< NOTIFYs without an answer
};

/// Why a subscription ends; the names are those of RFC 6665 4.1.3 but for `none`.
enum class Ending : std::uint8_t { none, deactivated, probation, rejected, timeout, giveup, noresource };
[[nodiscard]] std::string_view reason(Ending ending);

/// One SUBSCRIBE, indexed without fault, whose sender may watch that client and has shown that it receives where it comes from.
struct Subscribe {
  const sip::Message& message;
  std::string_view aor;  ///< canonical, of the client that is watched
  location::ClientKey client;
  base::Endpoint flow;  ///< its source
  base::Endpoint next;  ///< where NOTIFYs are sent: the place of the first Record-Route, or the flow
  std::uint8_t listener{};  ///< ours, by number, that it came to
  bool is_elsewhere{};  ///< the client's home is a third party's: what is seen of it is told. Of one in a dialog the first one's counts.
  bool stands_in{};  ///< with is_elsewhere: that home does not serve all its clients now, and who has registered here has done so in its place
};

/// What a SUBSCRIBE came to: the status, the header lines of its answer, and the tag that its To gets when it has none.
struct SubscribeOutcome {
  std::uint16_t status{};  ///< 200, 204 (RFC 5839 6.3), 400, 403 (too many), 423, 481, 489, 500 (CSeq), 503, 513
  sip::Bad fault{sip::Bad::none};  ///< for 400
  std::string headers;  ///< Expires, Contact, Min-Expires, Allow-Events, Retry-After; each with CRLF
  std::uint64_t to_tag{};
};

/// How a subscription is ended before its time.
struct Farewell {
  Ending ending{Ending::deactivated};
  std::uint32_t retry_after_s{};  ///< with Ending::probation
};

/// What those who watch a client hear when it moves to another home. Each subscriber gets a time of its own, so that they do not come at once.
enum class Notice : std::uint8_t {
  deactivated,  ///< subscriptions end: subscribe anew, now
  probation,  ///< subscriptions end: subscribe anew, after 1 to within_s seconds, and the client himself: register again, after as many (RFC 3680 4.7.1)
  shortened  ///< the client's own stay: register again, within 30 to within_s seconds (RFC 3680 4.7.1)
};
[[nodiscard]] std::string_view name(Notice notice);
struct Move {
  Notice notice{Notice::deactivated};
  std::uint32_t within_s{base::move_within_s_min};  ///< at least move_within_s_min
  bool is_elsewhere{};  ///< the home that he leaves is a third party's: those hear it who watch him there by this node, else those at this node's own home
};

/// A subscription as an operator sees it.
struct SubscriptionView {
  std::uint64_t id{};
  std::string aor, subscriber, target;
  base::Endpoint next;
  std::uint32_t expires_in_s{}, cseq{};
  bool is_open{};  ///< a NOTIFY waits for its answer
  bool is_owed{};  ///< something is still to be told
  Ending ending{};
  bool is_elsewhere{};  ///< the client's home is a third party's
  bool is_implicit{};  ///< his own, by a REGISTER with `Event: registration`
};

/// By whom NOTIFYs are sent.
class Outlet {
 public:
  virtual ~Outlet() = default;
  /// False: there is no way, no buffer or no room; it is as lost as on the wire.
  virtual bool send(const site::Listener& from, const base::Endpoint& to, std::string_view message) = 0;
  /// The link that leads to a place.
  [[nodiscard]] virtual base::Link link_to(const base::Address&) const { return base::Link::any(); }
};

/// Whether a REGISTER implies a subscription to the end of its registration: `Event: registration`. Any other Event means nothing in a REGISTER and is ignored, as
/// RFC 3261 8.2.2 has it. Source: [MS-SIPREGE] 2.2.1.1.
[[nodiscard]] bool asks_for_end(const sip::Message& request);

/// One shard's subscriptions. Times are milliseconds of a monotonic clock, which the bindings' seconds are of, too. Thread: the shard's.
class Watchers final : public location::BindingsObserver {
 public:
  /// Shape: `locations` and `sightings` are the shard's; `seed` is the same after a restart, and on all nodes; `home` is the name of the home that this node is, by
  /// which our tags in answers to REGISTERs differ from other nodes'; empty: of the first local home that the site has.
  Watchers(const WatchRules& rules, const assign::LocationMap& locations, Sightings& sightings, const base::Key128& seed, Outlet& outlet,
           std::string_view home = {});
  ~Watchers() override;

  /// Process one SUBSCRIBE. What it makes due is sent by the next `tick`, so that the answer goes first.
  /// Source: RFC 6665 4.2.1; RFC 3680 4; RFC 5839 6.
  [[nodiscard]] SubscribeOutcome process(const Subscribe& subscribe, const site::Site& site, std::uint64_t now_ms);
  /// A REGISTER with `Event: registration` that is about to be answered with 200: its client is told if the server takes the binding of its only Contact away. The
  /// latest REGISTER's dialog counts. `is_proven`: by a digest. Returns the tag of the answer's To; 0: no subscription, since it binds no one contact, the bounds are
  /// reached, or NOTIFYs would go to somebody else. Source: [MS-SIPREGE] 2.2.1.13, 3.2.
  [[nodiscard]] std::uint64_t imply(const location::Registration& registration, bool is_proven, const site::Site& site, std::uint64_t now_ms);
  /// A response to a NOTIFY of ours, verified. Source: RFC 6665 4.2.2.
  void take_answer(const sip::OwnRequest& request, const sip::Message& response, std::uint64_t now_ms);
  /// So that it is at hand whether somebody watches that client.
  void prefetch(const location::ClientKey& client) const;
  /// What became of a client's bindings, here or elsewhere.
  void bindings_changed(const location::BindingsChange& change) override;
  /// Timers, and what may be sent now; bounded work. Returns how much there was to do.
  std::size_t tick(const site::Site& site, std::uint64_t now_ms);

  /// End all subscriptions to a client, each with a NOTIFY of full state. Returns how many.
  std::size_t end(const location::ClientKey& client, const Farewell& farewell, std::uint64_t now_ms);
  /// Tell those who watch a client at the home that it leaves; what is under way already is not told twice. `deactivated` and `probation` end every subscription to it, with
  /// the contacts as they are: `active` while their bindings stand; but that `probation` shows the client itself its contacts as `terminated`. `shortened` goes to
  /// the subscriptions of the client itself, if it is registered there. What a REGISTER implies ends by any of them with `deregistered;event=deactivated`, at once or after 1
  /// to within_s seconds. No binding is changed: who does not come keeps what he has. Returns how many subscriptions are being told.
  /// Source: RFC 6665 4.1.3, 4.4.2; RFC 3680 4.7.1.
  std::size_t moved(const location::ClientKey& client, const Move& move, const site::Site& site, std::uint64_t now_ms);
  /// End one. False: there is none of that id.
  bool end_one(std::uint64_t id, const Farewell& farewell, std::uint64_t now_ms);

  [[nodiscard]] std::vector<SubscriptionView> of(const location::ClientKey& client, std::uint64_t now_ms) const;
  [[nodiscard]] std::optional<SubscriptionView> find(std::uint64_t id, std::uint64_t now_ms) const;
  [[nodiscard]] std::vector<SubscriptionView> list(std::size_t most, std::uint64_t now_ms) const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t open() const;
  [[nodiscard]] std::size_t bytes() const;  ///< of memory, of the subscriptions
  [[nodiscard]] const WatcherCounters& counters() const;
  void set_rules(const WatchRules& rules);

  /// For a restart: up to so many subscriptions that have changed since they were last taken from here, each once, as rows; a row without octets: it is over.
  /// Returns how many.
  std::size_t take_changed(std::size_t most, const location::RowBasis& basis, std::vector<store::Row>& out);
  /// All are to be taken again: what their rows mean has changed.
  void note_all();
  /// Put one back. What was owed is sent again, with its CSeq and branch; every other one goes on at a higher CSeq. None lasts longer
  /// than is granted now. One that finds no room is over. False: the row cannot be read.
  [[nodiscard]] bool restore(std::string_view row, const location::RowBasis& basis, std::uint64_t now_ms);
  /// A client's bindings are not what they were when the node stopped: who watches it is told all.
  void owe_everything(const location::ClientKey& client);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::notifier
