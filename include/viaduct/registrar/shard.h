// SPDX-License-Identifier: Apache-2.0
// A registrar shard: takes REGISTERs of this node's clients from its ring, keeps their bindings, and answers.
#pragma once
#include <cstdint>

#include "viaduct/registrar/authenticator.h"
#include "viaduct/registrar/bindings.h"
#include "viaduct/share/counters.h"
#include "viaduct/site/post.h"
#include "viaduct/site/wire.h"

namespace viaduct::registrar {

// One row a counter: name, and what it counts. received = answered + challenged + refused + dropped.
#define VIADUCT_SHARD_COUNTERS(X)                          \
  X(received, "REGISTERs taken from the workers")          \
  X(answered, "REGISTERs answered with a 200")             \
  X(challenged, "REGISTERs answered with a 401")           \
  X(refused, "REGISTERs answered with another 4xx or 5xx") \
  X(dropped, "REGISTERs whose answer had no place to go")

struct ShardCounters {
#define X(name, what) share::Counter name;
  VIADUCT_SHARD_COUNTERS(X)
#undef X
};

/// Thread: one core's. The only shard shares the control core, and its queue.
class Shard {
 public:
  Shard(site::Commons& commons, unsigned index, const Rules& rules);
  /// Process up to `registrations_max` REGISTERs, and what has expired. `now_s` is a monotonic clock. Returns how many REGISTERs there were.
  std::size_t poll(std::size_t registrations_max, std::uint64_t now_s);
  /// Who registers must prove who he is from now on; null: nobody.
  void set_authenticator(std::unique_ptr<Authenticator> authenticator) { authenticator_ = std::move(authenticator); }
  [[nodiscard]] Bindings& bindings() { return bindings_; }
  [[nodiscard]] const Bindings& bindings() const { return bindings_; }
  [[nodiscard]] const ShardCounters& counters() const { return counters_; }
  [[nodiscard]] const site::Wire& wire() const { return wire_; }

 private:
  struct Answer {
    std::uint16_t status{};
    std::size_t bytes{};
  };
  void take(nic::Packet p, std::uint64_t now_s);
  [[nodiscard]] Outcome register_client(const sip::Message& request, const site::Note& note, const site::Site& site, std::uint64_t now_s);
  [[nodiscard]] Answer answer(const sip::Message& request, const site::Note& note, const site::Site& site, std::uint64_t now_s);
  void send(nic::Packet p, const site::Note& note, std::size_t bytes);

  site::Commons& commons_;
  share::Ring& ring_;
  assign::LocationMap& locations_;
  site::Wire wire_;
  Bindings bindings_;
  std::unique_ptr<Authenticator> authenticator_;
  ShardCounters counters_;
  sip::Message message_;
  std::uint64_t date_s_{UINT64_MAX};
  std::uint32_t wall_s_{};   // since 1970, at date_s_
  std::string date_;   // header line of that second
  std::array<char, base::large_packet_bytes_max> scratch_;
};

}  // namespace viaduct::registrar
