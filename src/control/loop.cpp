// SPDX-License-Identifier: Apache-2.0
// Rounds of the control core.
#include "viaduct/control/loop.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>

namespace viaduct::control {
namespace {

// A storm of registrations leaves the rest of a round its turn.
constexpr std::size_t registrations_max = 32;
constexpr std::size_t packets_max = 64;
// With nothing to do the core sleeps; the longest sleep bounds how late a change of the configuration or an answer of the registrar can be.
constexpr long sleep_first_ns = 50'000;
constexpr long sleep_max_ns = 1'000'000;

std::uint64_t monotonic_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

std::uint32_t wall_min() {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::minutes>(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace

struct Loop::Job {
  const std::function<void()>& body;
  std::mutex mutex;
  std::condition_variable changed;
  bool done{};

  void finish() {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_one();
  }
};

Loop::Loop(site::Commons& commons, Resolver& resolver, ExceptionPath& exceptions, ShardPoll shard_poll)
    : commons_(commons), resolver_(resolver), exceptions_(exceptions), shard_poll_(std::move(shard_poll)) {
  commons_.now_min.store(wall_min(), std::memory_order_relaxed);
}

void Loop::run(const std::atomic<bool>& quit) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = false;
  }
  long sleep_ns = sleep_first_ns;
  while (!quit.load(std::memory_order_relaxed)) {
    if (round() != 0) {
      sleep_ns = sleep_first_ns;
      continue;
    }
    const timespec duration{.tv_sec = 0, .tv_nsec = sleep_ns};
    nanosleep(&duration, nullptr);
    sleep_ns = std::min(sleep_ns * 2, sleep_max_ns);
  }
}

std::size_t Loop::round() {
  const std::uint64_t now_ms = monotonic_ms();
  commons_.now_min.store(wall_min(), std::memory_order_relaxed);
  const std::size_t registrations = shard_poll_(registrations_max, now_ms / 1000);
  const std::size_t packets = take_packets(now_ms);
  const std::size_t exceptions = exceptions_.turn();
  resolver_.tick(now_ms);
  const std::size_t jobs = do_jobs();
  commons_.site.reclaim(commons_.epoch);
  commons_.neighbours.reclaim(commons_.epoch);
  commons_.rules.reclaim(commons_.epoch);
  commons_.traces.reclaim(commons_.epoch);
  commons_.assignment.reclaim(commons_.epoch);
  return registrations + packets + exceptions + jobs;
}

std::size_t Loop::take_packets(std::uint64_t now_ms) {
  std::array<nic::Packet, packets_max> pkts;
  const std::size_t count = commons_.to_control.pop({reinterpret_cast<void**>(pkts.data()), pkts.size()});
  for (std::size_t i = 0; i < count; ++i) resolver_.take(pkts[i], now_ms);
  return count;
}

// One a round: a long job must not starve the packets behind it.
std::size_t Loop::do_jobs() {
  Job* job = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) return 0;
    job = jobs_.front();
    jobs_.pop_front();
  }
  job->body();
  job->finish();
  return 1;
}

void Loop::call(const std::function<void()>& body) {
  Job job{.body = body};
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return body();
    jobs_.push_back(&job);
  }
  std::unique_lock lock(job.mutex);
  job.changed.wait(lock, [&] { return job.done; });
}

void Loop::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  while (do_jobs() != 0) {
  }
}

}  // namespace viaduct::control
