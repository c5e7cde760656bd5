// SPDX-License-Identifier: Apache-2.0
// What limits add to a message: its source's bucket and its client's, of many sources, in bursts as the path has them.
#include <random>

#include "limiter.h"
#include "micro/pool.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t burst_pkts = 32;
constexpr std::size_t rounds = 512;
constexpr std::size_t entries = 65'536;
constexpr std::size_t sources = 10'000;

/// A burst of requests whose sources and clients change from round to round.
class Burst {
 public:
  Burst() : jobs_(burst_pkts) {
    std::mt19937_64 random(7);
    for (auto& address : addresses_) address = base::Address::v4(static_cast<std::uint32_t>(random()));
    for (edge::Job& job : jobs_) {
      job.subject.has_client = true;
      job.subject.msg.method = sip::Method::register_;
    }
  }
  void renew(std::size_t round) {
    for (std::size_t i = 0; i < burst_pkts; ++i) {
      const std::size_t number = (round * burst_pkts + i) % sources;
      jobs_[i].subject.source.address = addresses_[number];
      jobs_[i].subject.client.low = number * 0x9e3779b97f4a7c15U;
    }
  }
  std::size_t pass(edge::Limiter& limiter) {
    std::size_t over = 0;
    for (edge::Job& job : jobs_) limiter.look(job);
    for (const edge::Job& job : jobs_) over += limiter.hinder_source(job) ? 1 : 0;
    for (const edge::Job& job : jobs_) limiter.look_for_client(job);
    for (const edge::Job& job : jobs_) over += limiter.hinder_client(job) ? 1 : 0;
    return over;
  }

 private:
  std::vector<edge::Job> jobs_;
  std::array<base::Address, sources> addresses_;
};

void limiter(benchmark::State& state) {
  edge::Site site;
  site.limits.is_any = true;
  site.limits.source_bits_v4 = 128;
  site.limits.source = site.limits.client = site::rate(1'000'000, 1'000'000);
  site::Welcome welcome(entries, {1, 2});
  edge::Limiter limiter(entries, welcome);
  Burst burst;
  std::uint64_t now_ns = 1;
  time_passes(
      state, rounds * burst_pkts, [] {},
      [&] {
        for (std::size_t round = 0; round < rounds; ++round) {
          limiter.begin(site, now_ns += 10'000);
          burst.renew(round);
          benchmark::DoNotOptimize(burst.pass(limiter));
        }
      });
}
BENCHMARK(limiter)->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
