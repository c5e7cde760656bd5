// SPDX-License-Identifier: Apache-2.0
// Learning who follows a redirect, from the numbers that a device's REGISTERs bear: one look-up in one cache line.
#include "followers.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>

#include "viaduct/base/limits.h"

namespace viaduct::edge {
namespace {

// The clock of the entries: 1,024 ms a tick, so that 16 bits go round in 18 hours, and all 22 in 49 days. Its lowest bit is set: a time of 0 is free.
constexpr unsigned tick_shift = 10;
constexpr std::uint16_t kept_ticks = base::redirect_kept_ms >> tick_shift;
constexpr std::uint16_t guard_ticks = (base::redirect_guard_ms >> tick_shift) + 3;  // a tick is rounded three times
static_assert(base::redirect_kept_ms >> tick_shift < 0x8000, "an old time must not look young");
constexpr unsigned round_shift = tick_shift + 16;

std::uint16_t ticks(std::uint32_t clock_ms) { return static_cast<std::uint16_t>(clock_ms >> tick_shift | 1); }
std::uint16_t age(std::uint16_t at, std::uint16_t now) { return static_cast<std::uint16_t>(now - at); }

// Whom an entry is said to be of: the round of the clock in which it was made, this one or the one before, is in the client's bits, so that what is older is nobody's.
struct Names {
  std::uint32_t this_round, last_round;
  Names(const base::Hash128& client, std::uint32_t clock_ms)
      : this_round(static_cast<std::uint32_t>(client.high) ^ (clock_ms >> round_shift) << 26),
        last_round(static_cast<std::uint32_t>(client.high) ^ ((clock_ms >> round_shift) - 1) << 26) {}
  [[nodiscard]] std::uint32_t at(std::uint16_t at, std::uint16_t now) const { return at <= now ? this_round : last_round; }
};

// RFC 3261 8.1.3.4, 22.2: the request at the home has the next number, one with credentials the next again. Who comes back with the very next number has
// spent none elsewhere.
constexpr std::uint32_t cseq_mask = 0x3fff, cseq_forward_max = 0x1fff;

// Of a class that nobody of follows, so many must have failed before all are believed to.
constexpr std::uint16_t class_failures_min = 3;

constexpr std::uint32_t outlived = 0x10000;  // older than any age

constexpr std::uint32_t agent_bytes = 16;

__m128i load_agent(std::string_view user_agent, const char* readable_end) {
  if (readable_end - user_agent.data() >= static_cast<std::ptrdiff_t>(agent_bytes)) [[likely]]
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(user_agent.data()));
  std::array<char, agent_bytes> copy{};
  user_agent.copy(copy.data(), copy.size());
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(copy.data()));
}

}  // namespace

AgentClass agent_class(std::string_view user_agent, const char* readable_end) {
  if (user_agent.empty()) return 0;
  const __m128i text = load_agent(user_agent, readable_end);
  const __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('/')), _mm_cmpeq_epi8(text, _mm_set1_epi8(' ')));
  const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(user_agent.size(), agent_bytes));
  const std::uint32_t bytes = _tzcnt_u32(static_cast<std::uint32_t>(_mm_movemask_epi8(ends)) | 1U << end);
  const std::uint64_t low = _bzhi_u64(static_cast<std::uint64_t>(_mm_cvtsi128_si64(text)), 8 * bytes);
  const std::uint64_t high = bytes <= 8 ? 0 : _bzhi_u64(static_cast<std::uint64_t>(_mm_extract_epi64(text, 1)), 8 * bytes - 64);
  const std::uint64_t mixed = (low ^ std::rotl(high, 29)) * 0x9e3779b97f4a7c15U;
  return (mixed ^ mixed >> 32) | 1;
}

Followers::Followers(std::size_t redirects_kept)
    : set_mask_(std::bit_ceil(std::max(redirects_kept, ways) / ways) - 1),
      sets_(std::make_unique<Set[]>(set_mask_ + 1)),
      classes_(std::make_unique<Class[]>(classes_count)) {}

Followers::Class& Followers::class_of(AgentClass agent) {
  Class& c = classes_[agent % classes_count];
  const auto tag = static_cast<std::uint32_t>(agent >> 32);
  if (c.tag != tag) c = {.tag = tag};
  return c;
}

Followers::Standing Followers::standing_of(AgentClass agent) const {
  const Class& c = classes_[agent % classes_count];
  if (agent == 0 || c.tag != static_cast<std::uint32_t>(agent >> 32)) return Standing::unknown;
  if (c.followed > 0) return c.failed == 0 ? Standing::follows : Standing::unknown;
  return c.failed >= class_failures_min ? Standing::never_follows : Standing::unknown;
}

void Followers::learn(Entry& entry, AgentClass agent, Known known) {
  entry.set(entry.cseq(), known);
  if (agent == 0) return;
  std::uint16_t& count = known == Known::follows ? class_of(agent).followed : class_of(agent).failed;
  if (count < UINT16_MAX) ++count;
}

void Followers::hear(const Register& r, std::uint32_t clock_ms, Heard& out) {
  const std::uint16_t now = ticks(clock_ms);
  const Names client(r.client, clock_ms);
  Set& set = set_of(r.client);
  out.standing = standing_of(r.agent);
  std::uint32_t oldest = 0;
  for (std::uint32_t i = 0; i < ways; ++i) {
    Entry& e = set.entries[i];
    // Free and outlived places are the oldest of all; the client's own for this Call-ID is older still.
    const bool is_live = e.at != 0 && age(e.at, now) <= kept_ticks;
    const std::uint32_t years = is_live ? age(e.at, now) + 1U : outlived;
    if (years > oldest) {
      oldest = years;
      out.place = i;
    }
    if (!is_live || e.client != client.at(e.at, now)) [[likely]]
      continue;
    if (e.call == r.call) {
      oldest = UINT32_MAX;
      out.place = i;
    }
    learn_from(e, r, now, out);
    e.client = client.at(e.at, now);  // its time may be another
  }
}

void Followers::learn_from(Entry& e, const Register& r, std::uint16_t now, Heard& out) {
  if (e.call == r.call && e.transaction == r.transaction) {
    out.is_repeated |= age(e.at, now) < guard_ticks;
  } else if (e.call == r.call) {
    out.came_back |= age(e.at, now) < guard_ticks;
    if (!r.teaches) return;
    const std::uint32_t step = (r.cseq - e.cseq()) & cseq_mask;
    if (step == 1 && e.known() != Known::never_follows) {
      learn(e, r.agent, Known::never_follows);
      out.learned = -1;
    } else if (step > 1 && step <= cseq_forward_max && e.known() == Known::nothing) {
      learn(e, r.agent, Known::follows);
      out.learned = 1;
    }
  }
  if (r.teaches && e.known() == Known::never_follows) {
    e.at = now;  // kept as long as he comes
    out.standing = Standing::never_follows;
  } else if (e.call == r.call && e.known() == Known::follows && out.standing == Standing::unknown) {
    out.standing = Standing::follows;
  }
}

void Followers::redirected(const Register& r, const Heard& heard, std::uint32_t clock_ms) {
  const std::uint16_t now = ticks(clock_ms);
  const Names client(r.client, clock_ms);
  Entry& e = set_of(r.client).entries[heard.place];
  const bool is_own = e.at != 0 && e.client == client.at(e.at, now) && e.call == r.call && age(e.at, now) <= kept_ticks;
  const Known known = is_own ? e.known() : Known::nothing;
  e = {.client = client.this_round, .call = r.call, .transaction = r.transaction, .at = now};
  e.set(r.cseq, known);
}

}  // namespace viaduct::edge
