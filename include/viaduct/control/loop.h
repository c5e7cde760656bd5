// SPDX-License-Identifier: Apache-2.0
// The control core's loop: a bounded share for registrations, then packets for the control core, frames of the kernel, timers, and jobs of other threads. Never blocks a worker.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "viaduct/control/health.h"
#include "viaduct/control/resolver.h"
#include "viaduct/share/jobs.h"
#include "viaduct/site/post.h"

namespace viaduct::control {

/// What a registrar that shares this core does with a share of its time: (requests at the most, monotonic milliseconds) -> how much there was to do.
using ShardPoll = std::function<std::size_t(std::size_t, std::uint64_t)>;

/// What has its turn in every round: monotonic milliseconds -> how much there was to do.
using Turn = std::function<std::size_t(std::uint64_t)>;

/// Thread: run on the control core; post from any thread.
class Loop {
 public:
  Loop(site::Commons& commons, Resolver& resolver, ExceptionPath& exceptions, Health& health, ShardPoll shard_poll);
  /// Thread: before the loop runs.
  void add(Turn turn) { turns_.push_back(std::move(turn)); }
  /// Until `quit` is set.
  void run(const std::atomic<bool>& quit);
  /// One round. Returns how much there was to do.
  std::size_t round();
  /// Run `job` on the control core and wait until it is done; before the loop runs and after it has ended, the caller does it, one at a time.
  /// Shape: not from the control core while the loop runs, and not from within a job.
  void call(const std::function<void()>& job) { jobs_.call(job); }
  /// Wait until every worker and shard goes by what was published before: none is in a burst that it began with what there was. One that is held up for a
  /// second is not waited for: false. Shape and thread: as `call`.
  bool wait_until_seen();
  /// The loop has ended: do what still waits.
  void close() { jobs_.close(); }

 private:
  std::size_t take_packets(std::uint64_t now_ms);

  site::Commons& commons_;
  Resolver& resolver_;
  ExceptionPath& exceptions_;
  Health& health_;
  ShardPoll shard_poll_;
  std::vector<Turn> turns_;
  share::Jobs jobs_;
};

}  // namespace viaduct::control
