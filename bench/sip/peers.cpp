// SPDX-License-Identifier: Apache-2.0
// The same questions to the index, to libosip2 and to sofia-sip: how many Vias, which top Via, whose To, Call-ID, CSeq, Max-Forwards.
#include "judges.h"
#include "micro/pool.h"
#include "viaduct/base/check.h"
#include "viaduct/sip/uri.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t message_bytes = 627;

/// The index as such a judge; as in the path, its place is there before the message comes.
struct Index {
  static inline sip::Message message;
  std::string_view text;
  explicit Index(std::string_view datagram) : text(datagram) {}

  [[nodiscard]] bool accepts() const { return sip::index(text, message) == sip::Bad::none; }
  [[nodiscard]] judges::Answer answer() const {
    const sip::Message& m = message;
    const auto to = sip::parse_uri(m[m.to_uri], m.text);
    return {.via_values = m.via_values,
            .via_host = m.top.host,
            .via_branch = m.top.branch,
            .to_user = to ? to->user : std::string_view{},
            .to_host = to ? to->host : std::string_view{},
            .call_id = m[m.call_id],
            .call_id_host = {},
            .cseq_number = m.cseq_number,
            .cseq_method = m[m.method_text],
            .max_forwards = m.has(sip::HeaderId::max_forwards) ? m.max_forwards : judges::no_max_forwards};
  }
};

bool same(const judges::Answer& a, const judges::Answer& b) {
  return a.via_values == b.via_values && a.via_host == b.via_host && a.via_branch == b.via_branch && a.to_user == b.to_user && a.to_host == b.to_host &&
         a.whole_call_id() == b.whole_call_id() && a.cseq_number == b.cseq_number && a.cseq_method == b.cseq_method && a.max_forwards == b.max_forwards;
}

template <typename Judge>
void answers(benchmark::State& state) {
  const Pool pool = sized_pool(message_bytes);
  const auto text = [&](std::size_t i) { return std::string_view{pool[i].data(), pool[i].size()}; };
  for (std::size_t i = 0; i < pool.size(); ++i) {
    Judge judge(text(i));
    Index index(text(i));
    base::check(judge.accepts() && index.accepts() && same(judge.answer(), index.answer()), "a peer that is timed gives the same answer");
  }
  time_passes(
      state, pool.size(), [] {},
      [&] {
        for (std::size_t i = 0; i < pool.size(); ++i) {
          Judge judge(text(i));
          base::check(judge.accepts(), "a benchmark's message is good");
          benchmark::DoNotOptimize(judge.answer());
          benchmark::ClobberMemory();
        }
      });
}
BENCHMARK(answers<Index>)->Name("answers_viaduct")->UseManualTime();
BENCHMARK(answers<judges::Osip>)->Name("answers_osip")->UseManualTime();
BENCHMARK(answers<judges::Sofia>)->Name("answers_sofia")->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
