// SPDX-License-Identifier: Apache-2.0
// The loop round the path, and how an idle worker sleeps.
#include "viaduct/edge/worker.h"

#include <time.h>

#include <algorithm>

#include "path.h"

namespace viaduct::edge {
namespace {

// Adaptive sleep: after so many empty polls (a few microseconds at full speed) the first sleep, doubling up to the longest,
// which bounds both the latency of the first packet and the time until a change of the configuration is seen.
constexpr unsigned empty_polls_max = 64;
constexpr long sleep_first_ns = 50'000;
constexpr long sleep_max_ns = 1'000'000;

}  // namespace

struct Worker::Impl {
  site::Commons& commons;
  WorkerConfig config;
  Path path;
  unsigned empty_polls{};
  long sleep_ns{sleep_first_ns};

  Impl(site::Commons& c, const WorkerConfig& w) : commons(c), config(w), path(c, w) {}

  // Offline while asleep: nobody waits for a grace period of a sleeper.
  void rest() {
    if (config.idle == config::Idle::poll || ++empty_polls < empty_polls_max) return;
    commons.counters[config.index].sleeps.add(1);
    commons.epoch.offline(config.index);
    const timespec duration{.tv_sec = 0, .tv_nsec = sleep_ns};
    nanosleep(&duration, nullptr);
    commons.epoch.online(config.index);
    sleep_ns = std::min(sleep_ns * 2, sleep_max_ns);
  }

  void run() {
    commons.epoch.enter(config.index);
    while (!commons.stop.load(std::memory_order_relaxed)) {
      const std::size_t pkts = path.burst();
      commons.epoch.quiescent(config.index);
      if (pkts == 0) {
        rest();
        continue;
      }
      commons.counters[config.index].bursts.add(1);
      empty_polls = 0;
      sleep_ns = sleep_first_ns;
    }
    commons.epoch.leave(config.index);
  }
};

Worker::Worker(site::Commons& commons, const WorkerConfig& config) : impl_(std::make_unique<Impl>(commons, config)) {}
Worker::~Worker() = default;
void Worker::run() { impl_->run(); }

}  // namespace viaduct::edge
