// SPDX-License-Identifier: Apache-2.0
// The stage that decides: placements found together, each message judged (judge.cpp), and those who may be redirected asked for their past (followers.cpp).
#include <utility>

#include "moving.h"
#include "path.h"
#include "viaduct/sip/flow.h"
#include "viaduct/sip/route.h"

namespace viaduct::edge {

// Those that act.cpp answers.
static bool is_answer(base::Verdict v) {
  constexpr std::uint32_t answers = 1U << std::to_underlying(base::Verdict::redirected) | 1U << std::to_underlying(base::Verdict::answered) |
                                    1U << std::to_underlying(base::Verdict::rejected);
  return (answers >> std::to_underlying(v) & 1U) != 0;
}

// Those whose past decides between a redirect and the proxy.
static bool may_be_redirected(const Judgement& j) { return j.verdict == base::Verdict::redirected || j.reason == Reason::not_listed; }

// What only an answer needs, or a client who may be redirected.
[[gnu::always_inline]] inline void Path::mark(Job& job, const Site& site) {
  const sip::Message& msg = job.subject.msg;
  const sip::Marks marks = sip::marks(msg, msg.top, site.keys.signing());
  job.tag = marks.reply_tag;
  if (!may_be_redirected(job.judgement)) return;
  job.call = marks.call;
  followers_.prefetch(job.subject.client);
}

// The Call-ID's hash with the agent's: another agent is another device. The first is keyed, so that nobody finds two agents that are alike here.
static std::uint32_t device_hash(std::uint64_t call, AgentClass agent) { return static_cast<std::uint32_t>(call * (agent | 1) >> 32); }

// A REGISTER as followers.cpp knows it. Policy `always` asks nobody's past but for the guard.
[[gnu::always_inline]] static inline Followers::Register registration(const Job& job, const Site& site) {
  const sip::Message& msg = job.subject.msg;
  const bool teaches = site.redirect != site::RedirectPolicy::always;
  const AgentClass agent = teaches ? agent_class(msg.value(sip::HeaderId::user_agent), msg.text.data() + msg.text.size()) : 0;
  return {.client = job.subject.client,
          .call = device_hash(job.call, agent),
          .transaction = static_cast<std::uint32_t>(job.tag),
          .cseq = msg.cseq_number,
          .teaches = teaches,
          .agent = agent};
}

static Judgement redirected(assign::HomeIndex home) { return {.verdict = base::Verdict::redirected, .reason = Reason::one_via, .home = home}; }

// Learn from a REGISTER what came of the last redirect, and let that decide.
void Path::consult_followers(Job& job, const Site& site, std::uint32_t now_ms) {
  using Standing = Followers::Standing;
  const Followers::Register request = registration(job, site);
  const Followers::Heard heard = followers_.hear(request, now_ms);
  if (heard.learned != 0) [[unlikely]]
    (heard.learned > 0 ? counters_.redirects_followed : counters_.redirects_not_followed).add(1);
  if (heard.is_repeated) {
    job.judgement = redirected(job.judgement.home);
  } else if (heard.came_back) {
    job.judgement = judge_by_past(job.subject, job.judgement, Reason::redirected_before);
  } else if (heard.standing == Standing::never_follows) {
    job.judgement = judge_by_past(job.subject, job.judgement, Reason::never_follows);
  } else if (job.judgement.verdict == base::Verdict::redirected || heard.standing == Standing::follows) {
    job.judgement = redirected(job.judgement.home);
    followers_.redirected(request, heard, now_ms);
  }
}

// Where those live who are named; their homes are prefetched.
void Path::place(std::span<Job*> jobs, const Site& site, std::uint32_t now_min) {
  std::array<Job*, base::burst_pkts_max> named;
  std::size_t count = 0;
  for (Job* job : jobs) {
    if (!job->subject.has_client) {
      job->placement = {};
      continue;
    }
    keys_[count] = job->subject.client;
    named[count++] = job;
  }
  commons_.assignment.find({keys_.data(), count}, placements_);
  const std::size_t homes = site.homes.size();
  for (std::size_t i = 0; i < count; ++i) {
    named[i]->placement = as_known(placements_[i], homes);
    site.homes.prefetch(placements_[i].home);
  }
  if (commons_.moves.is_any()) [[unlikely]]
    follow_moves(std::span(named).first(count), site);
  if (has_any_returned(site, now_min)) [[unlikely]]
    follow_returns(std::span(named).first(count), site, now_min);
  if (site.local_home != assign::no_home) locate(std::span(named).first(count), site);
}

// Those who are between two homes.
[[gnu::noinline]] void Path::follow_moves(std::span<Job*> named, const Site& site) {
  for (Job* job : named) {
    const auto move = commons_.moves.find(job->subject.client, job->placement.layer);
    if (!move || move->previous >= site.homes.size()) continue;
    const assign::HomeIndex assigned = job->placement.home;
    job->placement = placed_on_move(job->placement, *move, job->subject.msg.method, site);
    const assign::HomeIndex other = also_to(job->subject, assigned, job->placement.home, *move);
    if (other != assign::no_home) twins_[twins_count_++] = {.job = job, .home = other};
  }
}

// Those whose home is back.
[[gnu::noinline]] void Path::follow_returns(std::span<Job*> named, const Site& site, std::uint32_t now_min) {
  for (Job* job : named) {
    const assign::HomeIndex other = stood_in(job->subject, job->placement, site, now_min);
    if (other != assign::no_home) twins_[twins_count_++] = {.job = job, .home = other};
  }
}

// Which bindings requests for clients of this node go to.
[[gnu::noinline]] void Path::locate(std::span<Job*> named, const Site& site) {
  for (Job* job : named) {
    if (job->subject.msg.method == sip::Method::register_ || !may_be_served_here(job->subject, site, job->placement)) continue;
    edge::locate(job->subject, commons_.locations.find(job->subject.client));
    if (follows_invite(job->subject)) [[unlikely]]
      follow_invite(*job);
  }
}

// A CANCEL or an ACK whose INVITE may have gone to another binding than would be chosen now: there too; there alone, when none is left.
[[gnu::noinline]] void Path::follow_invite(Job& job) {
  const assign::Location* const before = commons_.locations.before(job.subject.client);
  const std::size_t binding = before != nullptr ? located_before(job.subject, *before) : 0;
  if (before == nullptr || binding == before->count()) return;
  if (job.subject.binding == nullptr) return locate_at(job.subject, *before, binding);
  twins_[twins_count_++] = {.job = &job, .home = job.placement.home, .location = before, .binding = binding};
}

// Homes that say 2xx to who is on his way to them.
[[gnu::noinline]] void Path::hear_confirmations(std::span<Job*> jobs, const Site& site) {
  for (const Job* job : jobs) {
    if (job->judgement.verdict != base::Verdict::returned) continue;
    if (const auto told = confirmation(job->subject, site)) commons_.moves.confirm(worker_, *told);
  }
}

// More register at once than the registrar manages: who is not registered yet comes later, at a time of his own, before he has cost it anything.
[[gnu::noinline]] void Path::put_off(std::span<Job*> jobs) {
  // RFC 7339 5.1: an edge that keeps to it is told how many to leave out itself.
  const std::uint32_t loss_percent = site::registrar_loss_percent(commons_.to_registrar);
  const std::uint64_t now_ms = nic::ticks() / ticks_per_ms_;
  for (Job* job : jobs) {
    const sip::ClientKey& client = job->subject.client;
    if (job->judgement.verdict != base::Verdict::registered || !actor_.is_registrar_crowded(client) || commons_.locations.find(client) != nullptr) continue;
    const sip::Message& msg = job->subject.msg;
    job->subject.excess = {.is_over = true, .limit = {}, .retry_after_s = limiter_.retry_after_s()};
    if (loss_percent != 0 && sip::offers_loss(msg[msg.top_via])) {
      job->subject.excess.loss_percent = static_cast<std::uint8_t>(loss_percent);
      job->subject.loss_at_ms = now_ms;
    }
    job->judgement = {.verdict = base::Verdict::rejected, .reason = Reason::registrar_crowded, .status = 503};
    counters_.registrations_put_off.add(1);
  }
}

// Homes that are spared. A client is told 500 and when to come back, each at another time; a proxy 503, so that it tries elsewhere (RFC 3261 16.7, RFC 7339 5.10.2).
[[gnu::noinline]] void Path::shed(std::span<Job*> jobs, const Site& site) {
  const std::uint64_t ticks = nic::ticks();
  const Moment now{.ns = static_cast<std::uint64_t>(static_cast<double>(ticks) * ns_per_tick_), .ms = ticks / ticks_per_ms_};
  for (Job* job : jobs) {
    const Shed why = shedder_.look(*job, site, commons_.load.overloads, now);
    if (why == Shed::no) continue;
    site::HomeTally& tally = commons_.load.worker(worker_).tallies.of(job->judgement.home);
    tally.shed.add(1);
    counters_.requests_shed.add(1);
    if (why == Shed::asked) tally.shed_asked.add(1), counters_.requests_shed_asked.add(1);
    const bool is_proxys = job->subject.msg.via_values > 1;
    job->subject.excess = {.is_over = true, .limit = {}, .retry_after_s = static_cast<std::uint8_t>(limiter_.retry_after_s() / 2)};
    job->judgement = {.verdict = base::Verdict::rejected,
                      .reason = why == Shed::asked ? Reason::home_overloaded : Reason::home_full,
                      .status = static_cast<std::uint16_t>(is_proxys ? 503 : 500)};
  }
}

// The branches of a burst together, since each would wait for its own rounds of AES.
void Path::sign(std::span<Job*> jobs, const Site& site) {
  std::array<Job*, base::burst_pkts_max> proxied;
  std::array<sip::BranchOf, base::burst_pkts_max> of;
  std::size_t count = 0;
  for (Job* job : jobs) {
    if (job->judgement.verdict != base::Verdict::proxied) continue;
    const Subject& s = job->subject;
    of[count] = {&s.msg, &s.msg.top, direction(s), &s.source};
    proxied[count++] = job;
  }
  std::array<sip::Branch, base::burst_pkts_max> branches;
  sip::make_branches({of.data(), count}, site.keys, {branches.data(), count});
  for (std::size_t i = 0; i < count; ++i) proxied[i]->branch = branches[i];
}

// Whether a request's first Route is a Record-Route of ours: so has the ACK to a 2xx, a transaction of its own (RFC 3261 13.2.2.4).
static bool is_by_record_route(const sip::Message& request) {
  sip::RouteValue first;
  if (!sip::Routes(request).next(first)) return false;
  const auto uri = sip::parse_uri(first.uri);
  const auto token = uri ? sip::read_flow_token(uri->user) : std::nullopt;
  return token && token->of_dialog;
}

// Transactions that have begun by the fleet key that signed before, maybe.
[[gnu::noinline]] void Path::follow_rotation(std::span<Job*> jobs) {
  for (Job* job : jobs) {
    const sip::Message& msg = job->subject.msg;
    const bool is_of_invite = msg.method == sip::Method::cancel || (msg.method == sip::Method::ack && !is_by_record_route(msg));
    if (is_of_invite && job->judgement.verdict == base::Verdict::proxied)
      twins_[twins_count_++] = {.job = job, .home = job->placement.home, .by_key_before = true};
  }
}

void Path::judge(std::span<Job*> jobs, const Site& site) {
  const std::uint32_t now_min = commons_.now_min.load(std::memory_order_relaxed);
  const std::uint64_t now_ms = nic::ticks() / ticks_per_ms_;
  place(jobs, site, now_min);
  for (Job* job : jobs) job->judgement = edge::judge(job->subject, site, job->placement, now_min);
  if (actor_.is_registrar_crowded()) [[unlikely]]
    put_off(jobs);
  const bool is_anybody_watched = commons_.watched.is_any();
  if (is_anybody_watched) [[unlikely]]
    keep_in_sight(jobs);
  if (site.homes.are_any_limited() || commons_.load.overloads.is_any(now_ms)) [[unlikely]]
    shed(jobs, site);
  for (Job* job : jobs)
    if (is_answer(job->judgement.verdict) || job->judgement.reason == Reason::not_listed) mark(*job, site);
  for (Job* job : jobs)
    if (may_be_redirected(job->judgement)) consult_followers(*job, site, static_cast<std::uint32_t>(now_ms));
  sign(jobs, site);
  if (rotation_.is_recent(site.keys, now_min)) [[unlikely]]
    follow_rotation(jobs);
  if (commons_.moves.is_any()) [[unlikely]]
    hear_confirmations(jobs, site);
  if (is_anybody_watched) [[unlikely]]
    tell_of_sightings(jobs, site);
  if (site.limits.is_any) [[unlikely]]
    welcome(jobs);
}

}  // namespace viaduct::edge
