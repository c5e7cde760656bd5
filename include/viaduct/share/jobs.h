// SPDX-License-Identifier: Apache-2.0
// What other threads have a core do while they wait: the core does one a round, between its packets.
#pragma once
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace viaduct::share {

/// Before the core's loop runs, and after it has ended, callers do their jobs themselves, one at a time.
class Jobs {
 public:
  /// Run `job` on the core and wait until it is done. Thread: any but the core's while its loop runs; not from within a job.
  /// Errors: what the job throws is thrown here, and the core goes on.
  void call(const std::function<void()>& job);
  /// The core's loop is about to run.
  void open();
  /// The core's: do one job; a long one must not starve the packets behind it. Returns how many there were.
  std::size_t do_one();
  /// The core's: its loop has ended. Do what still waits.
  void close();

 private:
  struct Job;
  std::mutex mutex_;
  std::deque<Job*> jobs_;
  bool closed_{true};
};

}  // namespace viaduct::share
