// SPDX-License-Identifier: Apache-2.0
// `viaduct_registrar USERS CPU WORKER_CPU`: registers so many users, then measures what each line of standard input names, and prints one JSON object a line.
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "load/resident.h"
#include "registrar/storm.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t a_measurement = 200'000;   // REGISTERs: a second or so
constexpr std::size_t a_turn = 50'000;
constexpr int turns = 60;
constexpr int median_rank_low = 22;   // of 60: the 95 % interval of their median, whatever their distribution

/// xorshift64 (Marsaglia 2003).
class Random {
 public:
  std::uint32_t below(std::uint32_t n) {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 7U;
    state_ ^= state_ << 17U;
    return static_cast<std::uint32_t>((state_ >> 32) * n >> 32);
  }

 private:
  std::uint64_t state_{88'172'645'463'325'252U};
};

class Program {
 public:
  Program(std::uint32_t users, unsigned cpu, unsigned worker_cpu) : traffic_(users, cpu, worker_cpu) {}

  /// All users for the first time. The map's heads were there before.
  void fill() {
    const std::uint64_t before = resident_bytes();
    std::uint32_t next = 0;
    const Timed t = traffic_.run(traffic_.users(), [&] { return next++; });
    require(t.answered == traffic_.users());
    const std::uint64_t heads = std::bit_ceil(std::uint64_t{traffic_.users()}) * sizeof(void*);
    std::printf(R"({"bytes_per_binding": %.1f, "new_per_s": %.0f})"
                "\n",
                static_cast<double>(resident_bytes() - before + heads) / traffic_.users(), t.answered_per_s());
  }
  void measure(const std::string& what) {
    if (what == "register") return tell(refresh(Proof::none));
    if (what == "passwords") return traffic_.ask_for_passwords(), static_cast<void>(std::puts("{}"));
    if (what == "digest") return tell(refresh(Proof::digest));
    if (what == "challenge") return challenge();
    if (what == "refreshes") return storms([&] { return known(); });
    if (what == "strangers") return storms([&] { return next_stranger_++; });
    std::fprintf(stderr, "no such measurement: %s\n", what.c_str());
    std::exit(2);
  }

 private:
  std::uint32_t known() { return random_.below(traffic_.users()); }
  Timed refresh(Proof proof) {
    const Timed t = traffic_.run(a_measurement, [&] { return known(); }, proof);
    require(t.answered == a_measurement);
    return t;
  }
  void challenge() {
    const Timed t = traffic_.run(a_measurement, [&] { return known(); });
    require(t.challenged == a_measurement);
    tell(t);
  }
  /// In short turns with calm ones, since the host's own disturbances last as long as a measurement.
  void storms(const std::function<std::uint32_t()>& user) {
    std::vector<double> ratios;
    for (int turn = 0; turn < turns; ++turn) {
      double rate[2];
      for (const bool is_storm : {turn % 2 == 0, turn % 2 != 0}) {
        // Others each time, until the first are long gone.
        if (next_stranger_ + a_turn * 8 > traffic_.users() + traffic_.strangers()) next_stranger_ = traffic_.users();
        const std::uint32_t first = next_stranger_;
        const Timed t = brave(traffic_, is_storm ? fivefold : calm, a_turn, user);
        require(t.answered == t.received);
        rate[is_storm] = t.answered_per_s();
        traffic_.remove(first, next_stranger_);
      }
      ratios.push_back(rate[true] / rate[false]);
    }
    std::ranges::sort(ratios);
    std::printf(R"({"ratio": %.3f, "low": %.3f, "high": %.3f})"
                "\n",
                (ratios[turns / 2 - 1] + ratios[turns / 2]) / 2, ratios[median_rank_low - 1], ratios[turns - median_rank_low]);
  }
  static void tell(const Timed& t) {
    std::printf(R"({"us": %.4f})"
                "\n",
                t.seconds * 1e6 / static_cast<double>(t.received));
  }
  static void require(bool is_so) {
    if (is_so) return;
    std::fputs("not every REGISTER was answered as it should be\n", stderr);
    std::exit(1);
  }

  Traffic traffic_;
  Random random_;
  std::uint32_t next_stranger_{traffic_.users()};
};

}  // namespace
}  // namespace viaduct::bench

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: viaduct_registrar USERS CPU WORKER_CPU\n", stderr), 2;
  const auto number = [argv](int i) { return static_cast<unsigned>(std::strtoul(argv[i], nullptr, 10)); };
  viaduct::bench::Program program(number(1), number(2), number(3));
  program.fill();
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line); std::fflush(stdout)) program.measure(line);
  return 0;
}
