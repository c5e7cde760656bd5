// SPDX-License-Identifier: Apache-2.0
// The loop round the path, and how an idle worker sleeps.
#include "viaduct/edge/worker.h"

#include "path.h"
#include "viaduct/share/nap.h"

namespace viaduct::edge {
namespace {

// Adaptive sleep: after so many empty polls (a few microseconds at full speed) the first sleep.
constexpr unsigned empty_polls_max = 64;

}  // namespace

struct Worker::Impl {
  site::Commons& commons;
  WorkerConfig config;
  Path path;
  unsigned empty_polls{};
  share::Nap nap;

  Impl(site::Commons& c, const WorkerConfig& w) : commons(c), config(w), path(c, w) {}

  // Offline while asleep: nobody waits for a grace period of a sleeper.
  void rest() {
    if (config.idle == config::Idle::poll || ++empty_polls < empty_polls_max) return;
    commons.counters[config.index].sleeps.add(1);
    commons.epoch.offline(config.index);
    nap.take();
    commons.epoch.online(config.index);
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
      nap.reset();
    }
    commons.epoch.leave(config.index);
  }
};

Worker::Worker(site::Commons& commons, const WorkerConfig& config) : impl_(std::make_unique<Impl>(commons, config)) {}
Worker::~Worker() = default;
void Worker::run() { impl_->run(); }

}  // namespace viaduct::edge
