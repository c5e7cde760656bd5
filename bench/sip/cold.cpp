// SPDX-License-Identifier: Apache-2.0
// The index of messages that are not in the cache: far more of them than it holds, in bursts whose text is asked for ahead, as packets are.
#include <immintrin.h>

#include "load/registers.h"
#include "micro/pool.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t message_bytes = 627;
constexpr std::size_t messages_count = 8192;
constexpr std::size_t ahead = 4;  // messages
constexpr std::size_t line_bytes = 64;

Pool cold_pool() {
  Registers registers(messages_count);
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < messages_count; ++i) messages.push_back(registers.sized(registers.below(clients_max), message_bytes));
  return Pool(std::move(messages));
}

// Everything that the pool holds leaves the cache, as far as this core can say so.
void flush(const Pool& pool) {
  for (std::size_t i = 0; i < pool.size(); ++i)
    for (std::size_t at = 0; at < pool[i].size() + line_bytes; at += line_bytes) _mm_clflush(pool[i].data() + at);
  _mm_mfence();
}

void prefetch(std::span<const char> text) {
  for (std::size_t at = 0; at < text.size(); at += line_bytes) _mm_prefetch(text.data() + at, _MM_HINT_T0);
}

void index_cold(benchmark::State& state) {
  const Pool pool = cold_pool();
  sip::Message message;
  time_passes(
      state, pool.size(), [&] { flush(pool); },
      [&] {
        for (std::size_t i = 0; i < pool.size(); ++i) {
          if (i + ahead < pool.size()) prefetch(pool[i + ahead]);
          benchmark::DoNotOptimize(sip::index({pool[i].data(), pool[i].size()}, message));
          benchmark::ClobberMemory();
        }
      });
}
BENCHMARK(index_cold)->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
