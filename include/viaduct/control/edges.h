// SPDX-License-Identifier: Apache-2.0
// Which edges of the directory are alive: those elsewhere are asked by OPTIONS, as homes are. Nothing is committed, and nobody is moved: it only says.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/config/config.h"
#include "viaduct/control/pulse.h"

namespace viaduct::control {

class Prober;
struct HealthCounters;

/// What is known of an edge by its probes.
struct EdgePulse {
  Pulse pulse{false, 0};
  bool is_draining{};   ///< its last answer was 503: it is alive, and wants nobody new

  /// It has never answered or does not any more, for as many probes as that takes.
  [[nodiscard]] bool is_down(const config::Health& rules) const {
    return pulse.seen() == Seen::down || (pulse.seen() == Seen::unknown && pulse.in_a_row() >= rules.down_after);
  }
};

/// Thread: the control core's.
class Edges {
 public:
  Edges(Prober& prober, HealthCounters& counters, const config::Health& rules) : prober_(prober), counters_(counters), rules_(rules) {}
  /// Ask these from now on, each by its number; nullopt: not this one. What is known of who keeps number and address stays.
  void set(std::vector<std::optional<base::Endpoint>> asked, std::uint64_t now_ms);
  /// Ask who is due, and note silence.
  void tick(std::uint64_t now_ms);
  /// A probe's answer.
  void answered(std::uint16_t number, std::uint64_t serial, std::uint16_t status, std::uint64_t now_ms);
  /// By number; of one that is not asked, nothing.
  [[nodiscard]] std::vector<std::optional<EdgePulse>> pulses() const;

 private:
  struct Watch {
    std::optional<base::Endpoint> address;
    EdgePulse known;
    bool is_open{};                 // a probe waits for its answer
    std::uint64_t serial{};         // the last one's
    std::uint64_t began_us{};
    std::uint64_t due_ms{};         // of the next probe; while one is open, when it has had its time
  };
  void ask(Watch& w, std::uint16_t number, std::uint64_t now_ms);

  Prober& prober_;
  HealthCounters& counters_;
  const config::Health& rules_;
  std::vector<Watch> watches_;
};

}  // namespace viaduct::control
