// SPDX-License-Identifier: Apache-2.0
// A pool of messages in buffers of their own, and the timing of a pass over them: what a pass destroys is restored before the clock starts.
#pragma once
#include <benchmark/benchmark.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "micro/cpu.h"
#include "viaduct/base/limits.h"
#include "viaduct/sip/message.h"

namespace viaduct::bench {

/// Messages of one pass: enough that no branch predictor knows them by heart, few enough to lie in the second-level cache.
inline constexpr std::size_t pool_messages = 256;

class Pool {
 public:
  explicit Pool(std::vector<std::string> originals);
  void restore();
  [[nodiscard]] std::size_t size() const { return originals_.size(); }
  /// The message where it was put, with base::headroom_bytes in front that belong to it.
  [[nodiscard]] std::span<char> operator[](std::size_t i) const { return {room_.get() + i * stride + base::headroom_bytes, originals_[i].size()}; }
  /// The index of message i, of the octets as restored. Indices lie in the cache as the path's do, in an array of one burst.
  void index_burst(std::size_t first, std::span<sip::Message> out) const;

 private:
  static constexpr std::size_t stride = base::headroom_bytes + base::packet_bytes_max;
  std::vector<std::string> originals_;
  std::unique_ptr<char[]> room_;
};

/// REGISTERs of exactly that many octets.
[[nodiscard]] Pool sized_pool(std::size_t bytes, unsigned vias = 1);

/// Time `pass`, which handles `messages` of them; `prepare` is not timed. Reports seconds a message as the counter `each`.
template <typename Prepare, typename Pass>
void time_passes(benchmark::State& state, std::size_t messages, Prepare prepare, Pass pass) {
  for (auto _ : state) {
    prepare();
    const double from = cpu_seconds();
    pass();
    state.SetIterationTime(cpu_seconds() - from);
  }
  state.counters["each"] = benchmark::Counter(static_cast<double>(messages), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

}  // namespace viaduct::bench
