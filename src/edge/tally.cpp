// SPDX-License-Identifier: Apache-2.0
// What is counted seldom: responses, requests that this node's own home serves, and samples.
#include "tally.h"

#include <cmath>
#include <cstring>

namespace viaduct::edge {

/// What is judged without a home: a response, counted here; a request that the home here serves by its bindings and watchers, whose home is returned.
[[gnu::noinline]] assign::HomeIndex Tally::count_other(const Job& job, const Site& site) {
  const Judgement& j = job.judgement;
  if (j.verdict == base::Verdict::subscribed || j.reason == Reason::registered_here) return site.local_home;
  if (j.verdict != base::Verdict::returned) return assign::no_home;
  const assign::HomeIndex from = site.homes.find(job.subject.source);
  if (from != assign::no_home) told_.tallies.of(from).responses[job.subject.msg.status / 100 - 1u].add(1);
  return assign::no_home;
}

/// Every request has the same chance, whatever came before: so the chance may change at any time, and each sample stands for as many as its chance says.
[[gnu::noinline]] void Tally::draw_anew(std::uint32_t one_in) {
  one_in_ = one_in;
  log_skip_ = std::log1p(-1.0 / one_in);
  until_sample_ = gap();
}

/// Requests until the next sample, geometrically distributed.
std::uint32_t Tally::gap() {
  if (one_in_ == 1) return 1;
  random_ ^= random_ << 13;   // xorshift64: Marsaglia 2003
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const double uniform = (static_cast<double>(random_ >> 11) + 0.5) * 0x1p-53;
  return 1 + static_cast<std::uint32_t>(std::log(uniform) / log_skip_);   // below 37 times one_in
}

[[gnu::noinline]] void Tally::sample(const Subject& subject, const Site& site, assign::HomeIndex home) {
  until_sample_ = gap();
  site::Sample* const s = told_.samples.free_slot();
  if (s == nullptr) return told_.samples_lost.add(1);
  const std::string_view uri = client_uri(subject, site);
  const std::size_t kept = uri.size() <= s->uri.size() ? uri.size() : 0;
  s->client = subject.client;
  s->home = home;
  s->kind = site::kind_of(subject.msg.method);
  s->stands_for = one_in_;
  s->uri_bytes = static_cast<std::uint16_t>(kept);
  if (kept != 0) std::memcpy(s->uri.data(), uri.data(), kept);
  told_.samples.commit();
}

}  // namespace viaduct::edge
