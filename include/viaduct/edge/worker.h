// SPDX-License-Identifier: Apache-2.0
// A poll-mode core's life: bursts until it is told to stop, sleep when there is nothing, quiescent points in between.
#pragma once
#include <cstddef>
#include <memory>

#include "viaduct/config/config.h"
#include "viaduct/site/post.h"

namespace viaduct::edge {

struct WorkerConfig {
  unsigned index{};
  std::size_t burst_pkts{};
  std::size_t redirects_kept{};
  std::size_t limit_entries{};          ///< sources, and as many clients, told apart
  std::size_t screen_cache_entries{};   ///< values that are remembered with what the rules say of them
  config::Idle idle{};
};

/// Thread: made by the control core, run by its worker. No heap, lock, log or system call in run, but the idle sleep.
class Worker {
 public:
  Worker(site::Commons& commons, const WorkerConfig& config);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  void run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::edge
