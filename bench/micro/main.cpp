// SPDX-License-Identifier: Apache-2.0
// viaduct_micro: Google Benchmark's main, and the rate of the time-stamp counter, in which cycles are told.
#include <benchmark/benchmark.h>
#include <time.h>
#include <x86intrin.h>

#include <string>

namespace {

double seconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double ticks_per_second() {
  const double from = seconds();
  const auto from_tick = __rdtsc();
  while (seconds() - from < 0.1) {
  }
  const auto ticks = static_cast<double>(__rdtsc() - from_tick);
  return ticks / (seconds() - from);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("ticks_per_second", std::to_string(ticks_per_second()));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
