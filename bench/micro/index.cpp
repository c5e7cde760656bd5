// SPDX-License-Identifier: Apache-2.0
// The SIP index by size and by Vias, and the client's key from its To URI.
#include "micro/pool.h"
#include "viaduct/sip/uri.h"

namespace viaduct::bench {
namespace {

void time_index(benchmark::State& state, const Pool& pool) {
  sip::Message message;
  time_passes(
      state, pool.size(), [] {},
      [&] {
        for (std::size_t i = 0; i < pool.size(); ++i) {
          benchmark::DoNotOptimize(sip::index({pool[i].data(), pool[i].size()}, message));
          benchmark::ClobberMemory();
        }
      });
}

void index(benchmark::State& state) { time_index(state, sized_pool(static_cast<std::size_t>(state.range(0)))); }
BENCHMARK(index)->Arg(550)->Arg(627)->Arg(750)->Arg(1200)->UseManualTime();

// The count of Via values is part of the index: the difference between the two is what three more values cost.
void vias(benchmark::State& state) { time_index(state, sized_pool(750, static_cast<unsigned>(state.range(0)))); }
BENCHMARK(vias)->Arg(1)->Arg(4)->UseManualTime();

void key(benchmark::State& state) {
  const Pool pool = sized_pool(750);
  const sip::Domains domains{.served = {"example.com"}, .aliases = {}, .default_domain = "example.com"};
  const base::Key128 seed{1, 2, 3};
  std::vector<sip::Message> messages(pool.size());
  pool.index_burst(0, messages);
  time_passes(
      state, pool.size(), [] {},
      [&] {
        for (const sip::Message& m : messages) benchmark::DoNotOptimize(sip::name_client(m[m.to_uri], m.text, domains, seed));
      });
}
BENCHMARK(key)->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
