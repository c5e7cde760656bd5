// SPDX-License-Identifier: Apache-2.0
// What is counted seldom: responses, with what homes say in them of their load, requests that this node's own home serves, and samples.
#include "tally.h"

#include <cmath>
#include <cstring>

#include "contains.h"
#include "viaduct/nic/nic.h"
#include "viaduct/sip/overload.h"

namespace viaduct::edge {

/// What is judged without a home: a response, counted here; a request that the home here serves by its bindings and watchers, whose home is returned.
[[gnu::noinline]] assign::HomeIndex Tally::count_other(const Job& job, const Site& site) {
  const Judgement& j = job.judgement;
  if (j.verdict == base::Verdict::subscribed || j.reason == Reason::registered_here) return site.local_home;
  if (j.verdict != base::Verdict::returned) return assign::no_home;
  const assign::HomeIndex from = site.homes.find(job.subject.source);
  if (from == assign::no_home) return from;
  told_.tallies.of(from).responses[job.subject.msg.status / 100 - 1u].add(1);
  hear_overload(job.subject.msg, from);
  time(job.subject.msg, from);
  return assign::no_home;
}

/// What a home says of its load in the answer to a request that it was offered to say it in. Its branch has verified, and it came from that home: nobody else is believed (RFC 7339 11).
void Tally::hear_overload(const sip::Message& response, assign::HomeIndex home) {
  const std::string_view via = response[response.top_via];
  if (contains(via, sip::overload_offer) && !contains(via, "oc=")) [[likely]]
    return;  // as we have sent it
  sip::OverloadReport report;
  switch (sip::read_overload(via, report)) {
    case sip::OverloadHeard::nothing:
      return;
    case sip::OverloadHeard::nonsense:
      return counters_.overload_nonsense.add(1);
    case sip::OverloadHeard::report:
      counters_.overload_reports.add(1);
      if (!load_.overloads.take(home, report, nic::now_ms())) counters_.overload_outdated.add(1);
  }
}

void Tally::time(const sip::Message& response, assign::HomeIndex home) {
  const auto us = timing_.elapsed_us(response);
  if (us) told_.tallies.of(home).answer_times[site::answer_time_class(*us)].add(1);
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
  random_ ^= random_ << 13;  // xorshift64: Marsaglia 2003
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const double uniform = (static_cast<double>(random_ >> 11) + 0.5) * 0x1p-53;
  return 1 + static_cast<std::uint32_t>(std::log(uniform) / log_skip_);  // below 37 times one_in
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
