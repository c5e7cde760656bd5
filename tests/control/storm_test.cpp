// SPDX-License-Identifier: Apache-2.0
// A storm of REGISTERs on the control core, where the registrar's only shard is, leaves everything else there its turn; who changes what workers see waits for them.
#include <gtest/gtest.h>

#include <thread>

#include "load/registers.h"
#include "load/stand.h"
#include "viaduct/control/loop.h"
#include "viaduct/net/arp.h"

namespace viaduct::control::test {
namespace {

constexpr base::Endpoint telephone{.address = base::Address::v4({198, 18, 0, 9}), .port = 5060};

class Storm : public testing::Test {
 protected:
  /// REGISTERs of ever new clients until the ring is full.
  void fill() {
    while (true) {
      const nic::Packet p = stand_.registration(message_, telephone, {0, ++clients_});
      ASSERT_TRUE(p);
      void* mail = p.raw();
      if (ring_.push({&mail, 1}) == 1) continue;
      nic::free(p);
      return;
    }
  }
  /// An ARP request for the node's address, on its way to the control core.
  void ask() {
    nic::Packet p = stand_.commons.ports.allocate();
    p.set(p.data(), net::arp_frame_bytes);
    const base::Address asked = stand_.commons.site.read().listeners.front().endpoint.address;
    net::write_arp(p.octets(), {.is_request = true, .sender_mac = {2, 0, 0, 0, 0, 9}, .sender = telephone.address, .target = asked});
    p.note<site::Note>() = {.kind = site::Note::Kind::frame, .frame = *net::parse_frame(p.octets(), net::ChecksumTrust::good)};
    void* mail = p.raw();
    ASSERT_EQ(stand_.commons.to_control.push({&mail, 1}), 1U);
  }

  const std::string message_ = bench::Registers(1).mixed(1);
  static bench::Stand& stand() {
    static bench::Stand one({.ring_slots = 1024, .bindings = 4096});
    return one;
  }
  std::uint64_t clients_{};
  bench::Stand& stand_{stand()};
  share::Ring& ring_{*stand_.commons.to_registrar.front()};
  site::Wire wire_{stand_.commons, true};
  ExceptionPath exceptions_{stand_.commons, wire_, {}};
  Resolver resolver_{stand_.commons, wire_, exceptions_, config::Config{}};
  Health health_{stand_.commons, wire_, config::Health{}};
};

TEST_F(Storm, LeavesPacketsTimersAndTheOperatorTheirTurns) {
  std::atomic<bool> quit{};
  Loop* at_work = nullptr;
  registrar::Registrar registrar(stand_.commons, {}, [&](const std::function<void()>& job) { at_work->call(job); });
  // What waited for the end of the storm would wait for ever.
  const auto operate = [&] {
    registrar.call_each([&](const registrar::Shard& shard) {
      EXPECT_GE(ring_.count(), 1024 - base::registrations_a_round);
      EXPECT_GT(shard.bindings().bindings(), 0U);
    });
    quit.store(true);
  };
  std::size_t rounds = 0;
  std::thread operator_thread;
  Loop loop(stand_.commons, resolver_, exceptions_, health_, [&](std::size_t most, std::uint64_t now_s) {
    fill();
    if (++rounds == 2) operator_thread = std::thread(operate);
    return registrar.poll(most, now_s);
  });
  at_work = &loop;
  ask();
  EXPECT_EQ(loop.round(), base::registrations_a_round + 1);
  EXPECT_EQ(resolver_.counters().arp_answered.get(), 1U);
  EXPECT_TRUE(stand_.commons.neighbours.read().find(telephone.address, base::Link{})) << "the tick publishes who was learned";
  loop.run(quit);
  operator_thread.join();
  EXPECT_EQ(registrar.sums().answered, rounds * base::registrations_a_round);
}

using Changes = Storm;

TEST_F(Changes, AreSeenWhenEveryWorkerHasBegunAnew) {
  constexpr unsigned held = 1, asleep = 2;
  share::Epoch& epoch = stand_.commons.epoch;
  epoch.enter(held);
  epoch.enter(asleep);
  epoch.offline(asleep);
  Loop loop(stand_.commons, resolver_, exceptions_, health_, [](std::size_t, std::uint64_t) { return std::size_t{0}; });
  std::atomic<bool> quit{}, is_seen{};
  std::thread core([&] { loop.run(quit); });
  std::thread asking([&] {
    loop.wait_until_seen();
    is_seen.store(true);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(is_seen.load()) << "a worker is in the burst that it was in";
  epoch.quiescent(held);
  asking.join();
  const auto began = std::chrono::steady_clock::now();
  loop.wait_until_seen();  // and of one who goes no further not for ever
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(900));
  quit.store(true);
  core.join();
  loop.close();
  epoch.leave(asleep);
  epoch.leave(held);
}

}  // namespace
}  // namespace viaduct::control::test
