// SPDX-License-Identifier: Apache-2.0
// A registrar shard: takes REGISTERs of this node's clients, and SUBSCRIBEs to them, from its ring, keeps their bindings, answers, and tells who watches.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "viaduct/location/bindings.h"
#include "viaduct/notifier/sightings.h"
#include "viaduct/notifier/watchers.h"
#include "viaduct/registrar/authenticator.h"
#include "viaduct/share/counters.h"
#include "viaduct/site/post.h"
#include "viaduct/site/wire.h"

namespace viaduct::registrar {

// One row a counter: name, and what it counts. received = answered + challenged + refused + dropped.
#define VIADUCT_SHARD_COUNTERS(X)                                              \
  X(received, "REGISTERs and SUBSCRIBEs taken from the workers")               \
  X(answered, "of received: answered with a 2xx")                              \
  X(challenged, "of received: answered with a 401")                            \
  X(refused, "of received: answered with another 4xx or 5xx")                  \
  X(dropped, "of received: not answered, since the answer had no place to go") \
  X(sightings, "answers of homes to watched clients; not among received")

struct ShardCounters {
#define X(name, what) share::Counter name;
  VIADUCT_SHARD_COUNTERS(X)
#undef X
};

/// Thread: one core's. The only shard shares the control core, and its queue.
class Shard final : private notifier::Outlet, private location::AnswerLimit {
 public:
  Shard(site::Commons& commons, unsigned index, const location::Rules& rules, const notifier::WatchRules& watch_rules);
  /// Process up to `requests_max` requests and answers to NOTIFYs, and what has expired or is to be told. `now_ms` is a monotonic clock. Returns how much
  /// there was to do.
  std::size_t poll(std::size_t requests_max, std::uint64_t now_ms);
  /// Who registers must prove who he is from now on; null: nobody.
  void set_authenticator(std::unique_ptr<Authenticator> authenticator) { authenticator_ = std::move(authenticator); }
  /// Bind a URI to a client of this node, canonical `aor`, as the operator wants it. Errors: a sentence, and nothing has changed.
  [[nodiscard]] std::expected<void, std::string> create_binding(const location::ClientKey& client, std::string_view aor, std::string_view uri,
                                                                std::optional<std::uint32_t> expires_s, std::uint64_t now_s);
  [[nodiscard]] location::Bindings& bindings() { return bindings_; }
  [[nodiscard]] const location::Bindings& bindings() const { return bindings_; }
  [[nodiscard]] notifier::Sightings& sightings() { return sightings_; }
  [[nodiscard]] notifier::Watchers& watchers() { return watchers_; }
  [[nodiscard]] const notifier::Watchers& watchers() const { return watchers_; }
  [[nodiscard]] const ShardCounters& counters() const { return counters_; }
  [[nodiscard]] const site::Wire& wire() const { return wire_; }

 private:
  /// What a request came to, and what its answer says beside that.
  struct Outcome {
    std::uint16_t status{};
    sip::Bad fault{sip::Bad::none};  // for 400
    std::string headers;
    std::uint64_t to_tag{};  // 0: as of every other answer
  };
  [[nodiscard]] static Outcome outcome_of(location::Outcome&& out);
  struct Answer {
    std::uint16_t status{};
    std::size_t bytes{};
  };
  bool send(const site::Listener& from, const base::Endpoint& to, std::string_view message) override { return wire_.post(from, to, message); }
  [[nodiscard]] base::Link link_to(const base::Address& a) const override { return commons_.neighbours.read().next_hop(a).link; }
  void take_all(std::span<const nic::Packet> pkts);
  void take(nic::Packet p);
  void take_answer(nic::Packet p);
  void take_sighting(nic::Packet p, const site::Note& note);
  void take_request(nic::Packet p, site::Note& note);
  [[nodiscard]] Proof prove(const sip::Message& request, const site::Note& note);
  [[nodiscard]] Outcome register_client(const sip::Message& request, const site::Note& note, const site::Site& site);
  [[nodiscard]] Outcome bind(const location::Registration& registration, bool is_repeated, const site::Site& site);
  /// Whether clients of that one's home may be served by another now.
  [[nodiscard]] bool is_standing_in(const location::ClientKey& client, const site::Site& site) const;
  [[nodiscard]] Outcome subscribe(const sip::Message& request, const site::Note& note, const site::Site& site);
  [[nodiscard]] bool allows(const location::Registration& registration, const location::Outcome& outcome) override;
  [[nodiscard]] bool allows_as_written(const location::Registration& registration, location::Outcome outcome, const site::Site& site);
  [[nodiscard]] bool has_shown_that_it_receives(const location::Registration& registration) const;
  [[nodiscard]] Outcome listing(const location::Registration& registration, location::Outcome&& outcome, const site::Site& site) const;
  [[nodiscard]] std::size_t write(const sip::Message& request, const base::Endpoint& source, Outcome outcome, const site::Site& site,
                                  std::size_t readable_behind = 0);
  [[nodiscard]] Answer answer(const sip::Message& request, const site::Note& note, const site::Site& site, std::size_t readable_behind);
  [[nodiscard]] nic::Packet larger(nic::Packet request, site::Note& note);
  void send_back(nic::Packet p, const site::Note& note, std::size_t bytes);

  site::Commons& commons_;
  unsigned index_;
  share::Ring& ring_;
  assign::LocationMap& locations_;
  site::Wire wire_;
  location::Bindings bindings_;
  notifier::Sightings sightings_;
  notifier::Watchers watchers_;
  base::AesHashKey shape_key_;
  std::unique_ptr<Authenticator> authenticator_;
  ShardCounters counters_;
  sip::Message message_;
  std::uint64_t now_ms_{};
  std::uint32_t loss_percent_{};   // that edges are asked for: of this turn
  std::uint64_t date_s_{UINT64_MAX};
  std::string date_;   // header line of that second
  std::array<char, base::large_packet_bytes_max> scratch_;
};

}  // namespace viaduct::registrar
