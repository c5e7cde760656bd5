// SPDX-License-Identifier: Apache-2.0
// Rules in file order over what the fields match, and the cache that spares the scans.
#include "viaduct/screen/screener.h"

#include <algorithm>
#include <bit>

namespace viaduct::screen {
namespace {

constexpr std::array all_fields = {Field::user_agent, Field::request_uri, Field::from, Field::source};

std::size_t index(Field f) { return std::to_underlying(f); }

// What a rule that applies does to the outcome. True: nothing behind it is asked.
bool take(const Brief& brief, RuleIndex rule, Outcome& out) {
  out.rule = rule;
  switch (brief.action) {
    case Action::drop:
      out.decision = Decision::drop;
      return true;
    case Action::reject:
      out.decision = Decision::reject;
      out.status = brief.status;
      return true;
    case Action::allow:
      return true;
    case Action::redirect_capable:
    case Action::proxy_only:
      out.redirect_capable = brief.action == Action::redirect_capable;
      out.proxy_only = brief.action == Action::proxy_only;
      return false;
    case Action::tag:
      return false;
  }
  return false;
}

}  // namespace

Screener::Screener(unsigned worker, std::size_t entries)
    : worker_(worker),
      set_mask_(std::bit_ceil(std::max<std::size_t>(entries, 2) / 2) - 1),
      sets_(std::make_unique<Set[]>(set_mask_ + 1)),
      scanned_(std::make_unique<std::array<std::array<RuleIndex, base::screen_rules_max>, fields_count>>()) {}

Screener::Matches Screener::scan(const Rules& rules, Field f, std::string_view value) {
  auto& room = (*scanned_)[index(f)];
  return {room.data(), room.data() + rules.match(f, value, worker_, room)};
}

void Screener::remember(std::uint64_t hash, const Matches& matches) {
  const auto count = static_cast<std::size_t>(matches.end - matches.at);
  if (count > kept_max) return;
  auto& [younger, older] = set_of(hash).entries;
  older = younger;
  younger.hash = hash;
  younger.count = static_cast<std::uint16_t>(count);
  std::copy(matches.at, matches.end, younger.rules.begin());
}

Outcome Screener::decide_anew(const Rules& rules, const Values& values, const Hashes& hashes) {
  AllMatches matches;
  std::array<bool, fields_count> is_new{};
  for (const Field f : all_fields) {
    const std::size_t i = index(f);
    if (values[i].data() == nullptr) continue;
    const Entry* const known = find(hashes[i]);
    is_new[i] = known == nullptr;
    matches[i] = known != nullptr ? Matches{known->rules.data(), known->rules.data() + known->count} : scan(rules, f, values[i]);
  }
  const Outcome out = apply(rules, matches);
  // Only now: remembering moves the entries that matches point into.
  for (std::size_t i = 0; i < fields_count; ++i)
    if (is_new[i]) remember(hashes[i], matches[i]);
  return out;
}

// Each field's list is ascending: the least index at their heads is the next rule, and it applies when as many fields name it as it has parts.
Outcome Screener::apply(const Rules& rules, AllMatches matches) const {
  Outcome out;
  while (true) {
    RuleIndex next = no_rule;
    for (const Matches& m : matches)
      if (m.at != m.end) next = std::min(next, *m.at);
    if (next == no_rule) return out;
    unsigned parts = 0;
    for (Matches& m : matches) {
      if (m.at == m.end || *m.at != next) continue;
      ++m.at;
      ++parts;
    }
    const Brief& brief = rules.brief(next);
    if (parts < brief.parts) continue;
    rules.count(next, worker_);
    if (take(brief, next, out)) return out;
  }
}

}  // namespace viaduct::screen
