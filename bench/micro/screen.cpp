// SPDX-License-Identifier: Apache-2.0
// What screening adds to a message: 50 and 1,000 rules on User-Agents, values seen before and values never seen, in bursts as the path has them.
#include "screen.h"
#include <charconv>

#include "micro/pool.h"
#include "viaduct/base/check.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t burst_pkts = 32;
constexpr std::size_t cache_entries = 1024;
// So that a new value has been pushed out of the cache when it comes again, sixteen times over.
constexpr std::size_t rounds = 16 * cache_entries / burst_pkts;

/// Half of them literals at the start, as lists of scanners are; half with classes, numbers and alternatives; all without regard to case.
std::unique_ptr<screen::Rules> rules_on_user_agents(std::size_t count) {
  std::vector<screen::Rule> list(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    list[i].name = "r" + number;
    list[i].action = screen::Action::drop;
    list[i].patterns[0].regex = i % 2 == 0 ? "(?i)^badphone" + number : "(?i)(scan|probe)er" + number + "[/ ]v?[0-9]+\\.[0-9]";
  }
  auto compiled = screen::Rules::compile(std::move(list), 1);
  base::check(compiled.has_value(), "a benchmark's rules compile");
  return std::move(*compiled);
}

/// One burst of REGISTERs, indexed and in the cache as the path has them; none meets a rule.
class Burst {
 public:
  Burst() : jobs_(burst_pkts), texts_(burst_pkts) {
    for (std::size_t i = 0; i < burst_pkts; ++i) {
      texts_[i] = std::string(before_number) + std::to_string(first_number + i) + "\r\nContent-Length: 0\r\n\r\n";
      edge::index(texts_[i], jobs_[i].subject);
      order_.push_back(&jobs_[i]);
    }
  }
  /// Other User-Agents: the numbers at their ends are others.
  void renew(std::size_t round) {
    for (std::size_t i = 0; i < burst_pkts; ++i)
      std::to_chars(&texts_[i][before_number.size()], &texts_[i][before_number.size()] + 6, first_number + round * burst_pkts + i);
  }
  [[nodiscard]] std::span<edge::Job*> jobs() { return order_; }

 private:
  static constexpr std::size_t first_number = 100'000;
  static constexpr std::string_view before_number =
      "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\n"
      "Call-ID: 1\r\nCSeq: 1 REGISTER\r\nUser-Agent: Yealink SIP-T46S 66.84.0.";
  std::vector<edge::Job> jobs_;
  std::vector<std::string> texts_;
  std::vector<edge::Job*> order_;
};

enum class Values : bool { seen, unseen };

void time_screen(benchmark::State& state, std::size_t rules_count, Values values) {
  const auto rules = rules_on_user_agents(rules_count);
  Burst burst;
  edge::Screen screen(0, cache_entries);
  time_passes(
      state, rounds * burst_pkts, [] {},
      [&] {
        for (std::size_t round = 0; round < rounds; ++round) {
          if (values == Values::unseen) burst.renew(round);
          screen.ask(*rules, burst.jobs());
        }
      });
}

void screen_50_rules(benchmark::State& state) { time_screen(state, 50, Values::seen); }
void screen_1000_rules(benchmark::State& state) { time_screen(state, 1000, Values::seen); }
void screen_new_50_rules(benchmark::State& state) { time_screen(state, 50, Values::unseen); }
void screen_new_1000_rules(benchmark::State& state) { time_screen(state, 1000, Values::unseen); }
BENCHMARK(screen_50_rules)->UseManualTime();
BENCHMARK(screen_1000_rules)->UseManualTime();
BENCHMARK(screen_new_50_rules)->UseManualTime();
BENCHMARK(screen_new_1000_rules)->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
