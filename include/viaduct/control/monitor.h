// SPDX-License-Identifier: Apache-2.0
// Sees the load: takes the workers' samples on the control core, closes windows on a thread of its own, answers whoever plans or watches.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/control/load.h"
#include "viaduct/control/placements.h"

namespace viaduct::control {

struct Tracked;
class TrackedClients;

/// Thread: `turn` the control core; start and stop the node's; everything else any that may wait, but never the control core itself.
class Monitor {
 public:
  /// Memory: some 100 octets for each client that is tracked, half of it taken at once and touched as they come; 1.5 MB for slots.
  Monitor(site::Commons& commons, Loop& loop, const Placements& placements, const config::Measuring& settings);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  void start();
  /// Before the loop is closed or after it: no window is closed any more.
  void stop();
  /// Take samples, a bounded number; now and then set how many there are to be. Returns how many were taken.
  std::size_t turn();

  /// The last window that is closed; before the first, number 0 and what has come so far.
  [[nodiscard]] LoadWindow window();
  /// Measure for so long. Number 0.
  [[nodiscard]] LoadWindow measure(std::chrono::milliseconds duration);

  /// All that are tracked, each once. Takes about two seconds a million, in pieces of the control core's time below a millisecond.
  [[nodiscard]] std::vector<ClientLoad> clients();
  /// Those with the highest load, that first.
  [[nodiscard]] std::vector<ClientLoad> heaviest(std::size_t most);
  /// By slot.
  [[nodiscard]] std::vector<SlotLoad> slots();

  struct Statistics {
    std::size_t tracked{};               ///< clients
    std::uint64_t evicted{};             ///< clients that had to make way
    std::uint64_t taken{}, lost{};       ///< samples
    std::uint32_t one_in{1};             ///< requests, that is sampled
  };
  [[nodiscard]] Statistics statistics();

 private:
  using Clock = std::chrono::steady_clock;
  struct Facts;

  [[nodiscard]] double seconds_now() const { return std::chrono::duration<double>(Clock::now() - started_).count(); }
  void take(const site::Sample& sample, double now_s);
  void pace(double now_s);
  [[nodiscard]] Facts facts();
  [[nodiscard]] LoadWindow since(const LoadReading& before, const LoadHistory& history);
  void close_windows();
  void close_window();
  template <typename F>
  void visit(F f);
  [[nodiscard]] ClientLoad load_of(const Tracked& client, double now_s) const;

  site::Commons& commons_;
  Loop& loop_;
  const Placements& placements_;
  const std::chrono::seconds window_;
  const Clock::time_point started_{Clock::now()};
  // The control core's.
  std::unique_ptr<TrackedClients> tracked_;
  std::uint64_t taken_{}, told_at_last_pace_{};
  double paced_s_{};
  unsigned first_worker_{};              // whose samples are taken first
  // Windows.
  std::mutex mutex_;
  LoadReading opened_;
  LoadHistory history_;
  LoadWindow closed_;
  // The thread that closes them.
  std::mutex stopping_;
  std::condition_variable stops_;
  bool is_stopping_{};
  std::thread closer_;
};

}  // namespace viaduct::control
