// SPDX-License-Identifier: Apache-2.0
// The SIP index by size and by Vias, and the client's key from its To URI.
#include "micro/pool.h"
#include "viaduct/base/check.h"
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

const sip::Domains domains{.served = {"example.com"}, .aliases = {}, .default_domain = "example.com"};
const base::Key128 seed{1, 2, 3};

std::vector<sip::Message> indexed_pool(const Pool& pool) {
  std::vector<sip::Message> messages(pool.size());
  pool.index_burst(0, messages);
  return messages;
}

// As the path names its clients: the keys of a burst together.
void key(benchmark::State& state) {
  constexpr std::size_t burst = 32;
  const Pool pool = sized_pool(750);
  const auto messages = indexed_pool(pool);
  std::array<base::SipText, burst> aors;
  std::array<sip::ClientKey, burst> keys;
  time_passes(
      state, pool.size(), [] {},
      [&] {
        for (std::size_t first = 0; first < messages.size(); first += burst) {
          for (std::size_t i = 0; i < burst; ++i) {
            const sip::Message& m = messages[first + i];
            base::check(sip::plain_aor(m[m.to_uri], m.text, domains, aors[i]), "a benchmark's client is plain");
          }
          sip::client_keys(aors, seed, keys);
          benchmark::DoNotOptimize(keys);
        }
      });
}
BENCHMARK(key)->UseManualTime();

void key_alone(benchmark::State& state) {
  const Pool pool = sized_pool(750);
  const auto messages = indexed_pool(pool);
  time_passes(
      state, pool.size(), [] {},
      [&] {
        for (const sip::Message& m : messages) benchmark::DoNotOptimize(sip::name_client(m[m.to_uri], m.text, domains, seed));
      });
}
BENCHMARK(key_alone)->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
