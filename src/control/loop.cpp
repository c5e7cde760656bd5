// SPDX-License-Identifier: Apache-2.0
// Rounds of the control core.
#include "viaduct/control/loop.h"

#include <array>
#include <chrono>
#include <span>
#include <thread>

#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"
#include "viaduct/share/nap.h"

namespace viaduct::control {
namespace {

constexpr std::size_t packets_max = 64;

std::uint32_t wall_min() {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::minutes>(std::chrono::system_clock::now().time_since_epoch()).count());
}

}  // namespace

Loop::Loop(site::Commons& commons, Resolver& resolver, ExceptionPath& exceptions, Health& health, ShardPoll shard_poll)
    : commons_(commons), resolver_(resolver), exceptions_(exceptions), health_(health), shard_poll_(std::move(shard_poll)) {
  commons_.now_min.store(wall_min(), std::memory_order_relaxed);
}

void Loop::run(const std::atomic<bool>& quit) {
  jobs_.open();
  share::Nap nap;
  while (!quit.load(std::memory_order_relaxed)) {
    if (round() == 0)
      nap.take();
    else
      nap.reset();
  }
}

bool Loop::wait_until_seen() {
  constexpr auto most = std::chrono::seconds(1);
  const auto until = std::chrono::steady_clock::now() + most;
  share::GraceToken seen;
  call([&] { seen = commons_.epoch.start(); });
  bool is_seen = false;
  while (!is_seen && std::chrono::steady_clock::now() < until) {
    call([&] { is_seen = commons_.epoch.is_over(seen); });
    if (!is_seen) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return is_seen;
}

std::size_t Loop::round() {
  const std::uint64_t now_ms = base::monotonic_ms();
  commons_.now_min.store(wall_min(), std::memory_order_relaxed);
  const std::size_t registrations = shard_poll_(base::registrations_a_round, now_ms);
  const std::size_t packets = take_packets(now_ms);
  const std::size_t exceptions = exceptions_.turn();
  resolver_.tick(now_ms);
  health_.tick(now_ms);
  std::size_t others = 0;
  for (const Turn& turn : turns_) others += turn(now_ms);
  const std::size_t jobs = jobs_.do_one();
  commons_.site.reclaim(commons_.epoch);
  commons_.neighbours.reclaim(commons_.epoch);
  commons_.rules.reclaim(commons_.epoch);
  commons_.traces.reclaim(commons_.epoch);
  commons_.assignment.reclaim(commons_.epoch);
  commons_.moves.reclaim(commons_.epoch);
  return registrations + packets + exceptions + others + jobs;
}

std::size_t Loop::take_packets(std::uint64_t now_ms) {
  std::array<nic::Packet, packets_max> pkts;
  const std::size_t count = commons_.to_control.pop({reinterpret_cast<void**>(pkts.data()), pkts.size()});
  for (const nic::Packet p : std::span(pkts).first(count))
    p.note<site::Note>().kind == site::Note::Kind::answer ? health_.take(p, now_ms) : resolver_.take(p, now_ms);
  return count;
}

}  // namespace viaduct::control
