// SPDX-License-Identifier: Apache-2.0
// The loop round the path, and how an idle worker sleeps.
#include "viaduct/edge/worker.h"

#include "path.h"
#include "viaduct/nic/nic.h"
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
  const std::uint64_t ticks_per_ms{nic::ticks_per_second() / 1000};
  std::uint64_t polled_at{nic::ticks()};   // when the last poll, or the sleep after it, was over
  std::uint64_t busy_ticks{};              // not yet a whole millisecond

  Impl(site::Commons& c, const WorkerConfig& w) : commons(c), config(w), path(c, w) {}

  /// A poll is over: what it took is work when it has brought something.
  void note_time(bool has_brought) {
    const std::uint64_t now = nic::ticks();
    if (has_brought) busy_ticks += now - polled_at;
    polled_at = now;
    if (busy_ticks < ticks_per_ms) [[likely]]
      return;
    commons.counters[config.index].busy_ms.add(busy_ticks / ticks_per_ms);
    busy_ticks %= ticks_per_ms;
  }

  // Offline while asleep: nobody waits for a grace period of a sleeper.
  void rest() {
    if (config.idle == config::Idle::poll || ++empty_polls < empty_polls_max) return;
    commons.counters[config.index].sleeps.add(1);
    commons.epoch.offline(config.index);
    nap.take();
    polled_at = nic::ticks();
    commons.epoch.online(config.index);
  }

  void run() {
    commons.epoch.enter(config.index);
    while (!commons.stop.load(std::memory_order_relaxed)) {
      const std::size_t pkts = path.burst();
      commons.epoch.quiescent(config.index);
      note_time(pkts != 0);
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
