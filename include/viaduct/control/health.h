// SPDX-License-Identifier: Apache-2.0
// Which homes are alive: all but this node are asked by OPTIONS; what follows is committed beside the control core; clients go back by slow start. And which edges of
// the directory are.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "viaduct/base/wheel.h"
#include "viaduct/config/config.h"
#include "viaduct/control/edges.h"
#include "viaduct/control/pulse.h"
#include "viaduct/share/counters.h"
#include "viaduct/site/post.h"
#include "viaduct/site/wire.h"

namespace viaduct::control {

class Attendant;
class Fleet;
class Prober;

// One row a counter: name, and what it counts.
#define VIADUCT_HEALTH_COUNTERS(X)                                               \
  X(probes_sent, "OPTIONS sent to homes to see whether they are alive")          \
  X(probes_answered, "of probes_sent: answered in time, whatever the status")    \
  X(probes_timed_out, "of probes_sent: not answered in time")                    \
  X(probes_unsent, "probes that were not sent for want of a buffer or of a way") \
  X(edge_probes_sent, "OPTIONS sent to edges of the directory")                  \
  X(edge_probes_answered, "of edge_probes_sent: answered in time")               \
  X(edge_probes_timed_out, "of edge_probes_sent: not answered in time")          \
  X(probe_answers, "responses taken from the workers, late ones among them")

struct HealthCounters {
#define X(name, what) share::Counter name;
  VIADUCT_HEALTH_COUNTERS(X)
#undef X
};

/// Thread: the control core's, but where it says otherwise.
class Health {
 public:
  Health(site::Commons& commons, site::Wire& wire, const config::Health& rules);
  ~Health();
  /// From now on homes are asked, and `fleet` commits what comes of it, on a thread of its own, until `stop`. Thread: the node's, before the loop runs.
  void begin(Fleet& fleet);
  /// Thread: the node's, once the loop has ended.
  void stop();
  /// Other rules, from each home's next probe on.
  void apply(const config::Health& rules) { rules_ = rules; }

  /// A response to a probe. Takes the packet over.
  void take(nic::Packet p, std::uint64_t now_ms);
  /// Somebody says that this home cannot be reached: it is asked at once, or as soon as the last probe has had its time.
  void doubt(assign::HomeIndex home);
  /// Ask who is due, conclude what follows from silence, let clients go back.
  void tick(std::uint64_t now_ms);

  /// What is known of a home; nullptr: nothing, it is not asked.
  [[nodiscard]] const Pulse* pulse(assign::HomeIndex home) const;
  /// How much of its share a home may be given: below 1 while it is in slow start, or was added less than slow_start_s ago.
  [[nodiscard]] double slow_start_ratio(assign::HomeIndex home) const;
  /// More than a fifth of the homes, and more than one, look dead at once: rather this node's own network. Nothing is to be planned on it. Thread: any.
  [[nodiscard]] bool is_frozen() const { return is_frozen_.load(std::memory_order_relaxed); }
  /// When it was last so, by the monotonic clock of `tick`; 0: never. Thread: any.
  [[nodiscard]] std::uint64_t frozen_last_ms() const { return frozen_last_ms_.load(std::memory_order_relaxed); }
  /// More than half look dead: none is taken down on it. Thread: any.
  [[nodiscard]] bool is_panicking() const { return is_panicking_.load(std::memory_order_relaxed); }
  [[nodiscard]] const HealthCounters& counters() const { return counters_; }
  [[nodiscard]] const config::Health& rules() const { return rules_; }
  /// Those of the directory. Thread: the control core's.
  [[nodiscard]] Edges& edges() { return edges_; }

 private:
  /// A home, by its index, for as long as the process lives.
  struct Watch : base::Timer {
    assign::HomeIndex home{};
    base::Endpoint address;  // that `pulse` is of
    assign::HomeState state{};  // as it was when last looked at
    bool is_asked{};  // else `pulse` says nothing
    bool is_open{};  // a probe waits for its answer
    std::uint64_t probe{};  // the last one's serial number
    std::uint64_t began_ms{}, began_us{};
    std::uint64_t due_ms{};  // of the next probe
    std::uint64_t added_ms{};  // 0: it was there from the beginning
    std::uint64_t returning_ms{};  // since when it is in slow start; 0: it is not
    Pulse pulse{false, 0};
  };
  void meet_new_homes(const site::Site& site, std::uint64_t now_ms);
  void wake(Watch& w, const site::Site& site, std::uint64_t now_ms);
  void look(Watch& w, const assign::Home& home, std::uint64_t now_ms);
  void ask(Watch& w, std::uint64_t now_ms);
  void answered(Watch& w, std::uint16_t status, const site::Site& site, std::uint64_t now_ms);
  void take_census(const site::Site& site);
  void conclude(Watch& w, const site::Site& site);
  void let_return(const site::Site& site, std::uint64_t now_ms);
  void set(Watch& w, std::uint64_t due_ms) { wheel_.set(w, due_ms / tick_ms + 1); }

  static constexpr std::uint64_t tick_ms = 10;

  site::Commons& commons_;
  config::Health rules_;
  std::unique_ptr<Prober> prober_;
  base::Wheel wheel_;
  std::deque<Watch> watches_;  // by home
  std::vector<Watch*> changed_;  // that a probe has told something of, this tick
  std::uint64_t ticked_ms_{};
  std::uint64_t let_return_ms_{};
  std::atomic<bool> is_frozen_{}, is_panicking_{};
  std::atomic<std::uint64_t> frozen_last_ms_{};
  std::unique_ptr<Attendant> attendant_;  // null: not begun, or stopped
  HealthCounters counters_;
  Edges edges_;
};

}  // namespace viaduct::control
