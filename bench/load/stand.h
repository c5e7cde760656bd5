// SPDX-License-Identifier: Apache-2.0
// What the cores of a node share, without a node: DPDK with a device that swallows all, rings, one local home; so that one core's code runs by itself.
#pragma once
#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "viaduct/registrar/registrar.h"
#include "viaduct/site/post.h"

namespace viaduct::bench {

/// One a process, since EAL starts once. The domain is example.com, the node is at 198.18.0.2:5060, and every client lives there.
class Stand {
 public:
  struct Wanted {
    unsigned shards{1};
    unsigned cpu{};                     ///< of the thread that makes the stand
    std::vector<unsigned> core_cpus;    ///< of further cores, for shards or what else is launched
    std::size_t ring_slots{4096};
    std::size_t bindings{1'000'000};
  };
  /// Errors: throws what EAL or the device refused.
  explicit Stand(const Wanted& wanted);

  /// A REGISTER as a worker hands it to the registrar. Shape: at most one frame. Empty: no buffer.
  [[nodiscard]] nic::Packet registration(std::string_view message, const base::Endpoint& source, const sip::ClientKey& client);
  [[nodiscard]] sip::ClientKey key_of(std::string_view aor) const { return sip::client_key(aor, commons.site.read().fleet_seed); }

 private:
  nic::Ports ports_;
  share::Epoch epoch_;
  share::Published<site::Site> site_;
  share::Published<site::Neighbours> neighbours_{std::make_unique<const site::Neighbours>()};
  share::Published<screen::Rules> rules_{std::make_unique<const screen::Rules>()};
  share::Published<site::Traces> traces_{std::make_unique<const site::Traces>()};
  assign::Assignment assignment_{assign::Policy::slots, 1024};
  assign::Moves moves_{1, 1};
  assign::Locations locations_;
  assign::Watched watched_;
  std::vector<std::unique_ptr<share::Ring>> to_registrar_;
  share::Ring to_control_, to_kernel_, to_wire_;
  std::vector<std::unique_ptr<share::Ring>> to_worker_;
  std::vector<share::Counters> counters_{1};
  site::Load load_{1, 1};
  std::atomic<std::uint32_t> now_min_{};
  site::Identifications identifications_{base::Key128{}};
  site::Welcome welcome_{1, base::Key128{}};
  std::atomic<bool> stop_{};

 public:
  site::Commons commons;
};

}  // namespace viaduct::bench
