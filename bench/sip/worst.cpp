// SPDX-License-Identifier: Apache-2.0
// The index of the nastiest messages, one benchmark each, and of the REGISTER mix that they are compared with. Reports octets beside the time.
#include <string>

#include "load/nasty.h"
#include "load/registers.h"
#include "micro/pool.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t nasty_copies = 16;  // of one message, a pass: what the clock costs is shared among them

void time_index(benchmark::State& state, const std::vector<std::string>& messages) {
  sip::Message message;
  std::size_t bytes = 0;
  for (const auto& text : messages) bytes += text.size();
  time_passes(
      state, messages.size(), [] {},
      [&] {
        for (const auto& text : messages) {
          benchmark::DoNotOptimize(sip::index(text, message));
          benchmark::ClobberMemory();
        }
      });
  state.counters["octets"] = static_cast<double>(bytes) / static_cast<double>(messages.size());
}

void mix(benchmark::State& state) {
  Registers registers(627);
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < pool_messages; ++i) messages.push_back(registers.mixed(registers.below(clients_max)));
  time_index(state, messages);
}
BENCHMARK(mix)->UseManualTime();

[[maybe_unused]] const bool nasty_ones_are_registered = [] {
  for (const std::size_t bytes : nasty_sizes)
    for (auto& [name, text] : nasty_messages(bytes)) {
      const std::vector<std::string> copies(nasty_copies, text);
      benchmark::RegisterBenchmark(("nasty/" + name).c_str(), [copies](benchmark::State& state) { time_index(state, copies); })->UseManualTime();
    }
  return true;
}();

}  // namespace
}  // namespace viaduct::bench
