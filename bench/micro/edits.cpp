// SPDX-License-Identifier: Apache-2.0
// What is done to a REGISTER once its home is known: the redirect composed beside it, or the forward edit in its buffer.
#include <array>

#include "micro/pool.h"
#include "viaduct/base/check.h"
#include "viaduct/base/text.h"
#include "viaduct/sip/forward.h"
#include "viaduct/sip/reply.h"
#include "viaduct/sip/token.h"
#include "viaduct/sip/via.h"

namespace viaduct::bench {
namespace {

constexpr base::Endpoint source{.address = base::Address::v4({198, 18, 0, 1}), .port = 5062};

std::vector<sip::Message> indexed(const Pool& pool) {
  std::vector<sip::Message> messages(pool.size());
  pool.index_burst(0, messages);
  return messages;
}

void redirect(benchmark::State& state) {
  const Pool pool = sized_pool(static_cast<std::size_t>(state.range(0)));
  const auto messages = indexed(pool);
  std::array<char, base::packet_bytes_max> out;
  const std::string_view headers = "Contact: <sip:198.18.1.1:5060>\r\nServer: Viaduct\r\n";
  time_passes(
      state, pool.size(), [] {},
      [&] {
        for (const sip::Message& m : messages) {
          const sip::Reply reply{.status_line = "SIP/2.0 302 Moved Temporarily\r\n",
                                 .source = source,
                                 .to_tag = m.cseq_number,
                                 .headers = headers,
                                 .readable_behind = base::loose_bytes};
          benchmark::DoNotOptimize(sip::write_reply(m, reply, out));
          benchmark::ClobberMemory();
        }
      });
}
BENCHMARK(redirect)->Arg(550)->Arg(627)->Arg(750)->Arg(1200)->UseManualTime();

// Branches with their MACs, those of a burst together, and the edits in place towards the front, as the path does it while the headroom lasts.
void forward(benchmark::State& state) {
  constexpr std::size_t burst = 32;
  Pool pool = sized_pool(static_cast<std::size_t>(state.range(0)));
  const auto messages = indexed(pool);
  sip::SigningKeys keys;
  keys.keys[0].emplace('a', base::Key128{1, 2, 3});
  std::array<sip::BranchOf, burst> of;
  std::array<sip::Branch, burst> branches;
  const auto forward_one = [&](std::size_t i, const sip::Branch& branch) {
    const sip::ForwardRequest how{.source = source, .via_prefix = "Via: SIP/2.0/UDP 198.18.0.2:5060;branch=", .branch = branch, .headers = {}};
    const std::span<char> out = sip::forward_in_place(messages[i], how, {.text = pool[i].data(), .before = base::headroom_bytes});
    base::check(!out.empty(), "a benchmark's message is usual");
    benchmark::DoNotOptimize(out.data());
    benchmark::ClobberMemory();
  };
  time_passes(
      state, pool.size(), [&] { pool.restore(); },
      [&] {
        for (std::size_t first = 0; first < pool.size(); first += burst) {
          for (std::size_t i = 0; i < burst; ++i) of[i] = {&messages[first + i], &messages[first + i].top, sip::Direction::to_home, &source};
          sip::make_branches(of, keys, branches);
          for (std::size_t i = 0; i < burst; ++i) forward_one(first + i, branches[i]);
        }
      });
}
BENCHMARK(forward)->Arg(550)->Arg(627)->Arg(750)->Arg(1200)->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
