// SPDX-License-Identifier: Apache-2.0
// A burst goes through the rules in two steps, so that what is remembered of one request's values is on its way while the next one's are hashed.
#include "screen.h"

namespace viaduct::edge {

using screen::Field;
using sip::HeaderId;

namespace {

// Position-independent code may have its public functions replaced, so that no compiler merges them into their callers. These it does.
[[gnu::always_inline]] inline bool can_be_screened(const Subject& s) {
  return !s.is_keepalive && s.msg.is_request && (s.msg.fault == sip::Bad::none || s.msg.answerable);
}

[[gnu::always_inline]] inline screen::Values values_of(const Subject& s, const screen::Rules& rules) {
  const auto& source = s.source.address.octets();
  screen::Values out;
  if (rules.asks(Field::user_agent)) out[std::to_underlying(Field::user_agent)] = s.msg.value(HeaderId::user_agent);
  if (rules.asks(Field::request_uri)) out[std::to_underlying(Field::request_uri)] = s.msg[s.msg.request_uri];
  if (rules.asks(Field::from)) out[std::to_underlying(Field::from)] = s.msg.value(HeaderId::from);
  if (rules.asks(Field::source)) out[std::to_underlying(Field::source)] = {reinterpret_cast<const char*>(source.data()), source.size()};
  return out;
}

}  // namespace

bool is_screened(const Subject& s) { return can_be_screened(s); }
screen::Values screen_values(const Subject& s, const screen::Rules& rules) { return values_of(s, rules); }

void Screen::ask(const screen::Rules& rules, std::span<Job*> jobs) {
  std::size_t count = 0;
  for (Job* job : jobs) {
    if (!can_be_screened(job->subject)) continue;
    values_[count] = values_of(job->subject, rules);
    screener_.look(rules, values_[count], hashes_[count]);
    asked_[count++] = job;
  }
  for (std::size_t i = 0; i < count; ++i) asked_[i]->subject.screening = screener_.decide(rules, values_[i], hashes_[i]);
}

}  // namespace viaduct::edge
