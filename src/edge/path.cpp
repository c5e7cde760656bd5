// SPDX-License-Identifier: Apache-2.0
// START HERE: one burst of packets, from receive to send, stage by stage. Each stage goes over the whole burst, so that the next one's memory is on its way.
#include "path.h"

#include <utility>

#include "viaduct/net/usual_frame.h"
#include "viaduct/net/vlan.h"

namespace viaduct::edge {

std::size_t Path::burst() {
  const Site& site = commons_.site.read();
  if (reassembler_.kept() != 0) [[unlikely]]
    counters_.fragments_expired.add(reassembler_.expire(nic::ticks()));
  const std::span<Job> received = receive();            // from the device's queue, or from the worker that has one
  const std::span<Job*> ours = look(received, site);    // Ethernet, IP, UDP: for us?               net/frame.h
  const std::span<Job*> jobs = limit(ours, site);       // has its source sent too much?            edge/limiter.h
  index(jobs);                                          // where is what in the SIP message?        sip/message.h
  identify(jobs, site);                                 // whose is it? prefetch his placement      edge/judge.h
  limit_clients(jobs, site);                            // is too much sent for it?                 edge/limiter.h
  screen(jobs);                                         // what do the operator's rules say?        edge/screen.h
  judge(jobs, site);                                    // redirect, proxy, register, answer, drop  edge/judge.h
  act(jobs, site);                                      // do it, in the packet                     edge/act.h
  actor_.flush();                                       // send
  return received.size();
}

Path::Path(site::Commons& commons, const WorkerConfig& config)
    : commons_(commons),
      counters_(commons.counters[config.index]),
      worker_(config.index),
      inlet_(commons, config.index),
      actor_(commons, config.index),
      followers_(config.redirects_kept),
      limiter_(config.limit_entries),
      screen_(config.index, config.screen_cache_entries),
      reassembler_(commons.port, commons.fragmented_datagrams_max),
      checksums_(commons.port.checksum_policy()),
      ticks_per_ms_(nic::ticks_per_second() / 1000),
      ns_per_tick_(1e9 / static_cast<double>(nic::ticks_per_second())),
      burst_pkts_(config.burst_pkts) {}

std::span<Job> Path::receive() {
  std::array<nic::Packet, base::burst_pkts_max> pkts;
  const std::size_t count = inlet_.receive({pkts.data(), burst_pkts_});
  counters_.rx_pkts.add(count);
  for (std::size_t i = 0; i < count; ++i) {
    jobs_[i].pkt = pkts[i];
    jobs_[i].subject.excess = {};
    __builtin_prefetch(pkts[i].data());
  }
  return {jobs_.data(), count};
}

// Four cache lines a step: a few behind the text are asked for in vain.
static void prefetch(std::string_view text) {
  for (const char *at = text.data(), *end = at + text.size(); at < end; at += 256) {
    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
    __builtin_prefetch(at + 128);
    __builtin_prefetch(at + 192);
  }
}

// A frame that is no UDP for one of our listeners ends here; so does a keep-alive.
std::span<Job*> Path::look(std::span<Job> jobs, const Site& site) {
  std::size_t count = 0;
  for (Job& job : jobs) {
    if (job.pkt.is_segmented() && !gather(job)) continue;
    const net::ChecksumTrust trust = checksums_.trust(job.pkt);
    if (trust != net::ChecksumTrust::verify && net::is_usual_frame(job.pkt.octets(), trust)) [[likely]] {
      net::describe_usual_frame(job.pkt.data(), job.frame);
      net::read_source(job.pkt.data(), job.subject.source);
    } else if (!read_frame(job, trust, site)) {
      continue;
    }
    job.subject.listener = site.listener(job.frame.destination);
    if (job.subject.listener == nullptr || job.subject.listener->vlan != job.frame.vlan) {
      actor_.drop(job, base::Drop::frame_not_ours);
      continue;
    }
    const std::string_view text = job.payload();
    job.subject.readable_behind = job.pkt.tailroom();
    prefetch(text);
    sound_[count++] = &job;
  }
  return {sound_.data(), count};
}

// A frame in several buffers is put into one. False: it is dropped.
[[gnu::noinline]] bool Path::gather(Job& job) {
  const bool fits = job.pkt.bytes_in_all() <= base::large_packet_bytes_max;
  job.pkt = commons_.port.in_one_buffer(job.pkt);
  if (!job.pkt) counters_.count(fits ? base::Drop::buffers_exhausted : base::Drop::sip_too_large);
  return static_cast<bool>(job.pkt);
}

// Any frame. False: the packet has another owner.
bool Path::read_frame(Job& job, net::ChecksumTrust trust, const Site& site) {
  const auto vlan = net::vlan_of(job.pkt.octets());
  if (vlan) job.pkt.set(net::remove_tag(job.pkt.data()), job.pkt.bytes() - net::tag_bytes);
  if (!describe(job, trust)) return false;
  job.frame.vlan = vlan.value_or(0);
  if (job.frame.kind == net::FrameKind::fragment && !collect(job, site)) return false;
  job.subject.source = job.frame.source;
  if (job.frame.kind == net::FrameKind::udp) return true;
  actor_.act_on_frame(job);
  return false;
}

bool Path::describe(Job& job, net::ChecksumTrust trust) {
  const auto why = net::read_frame(job.pkt.octets(), trust, job.frame);
  if (why) actor_.drop(job, *why);
  return !why;
}

// A fragment for an address of ours. True: with it the datagram is whole, and is the job's packet now.
[[gnu::noinline]] bool Path::collect(Job& job, const Site& site) {
  const std::uint16_t vlan = job.frame.vlan;
  if (!site.has_address(job.frame.destination.address, vlan)) return actor_.drop(job, base::Drop::frame_not_ours), false;
  const nic::Reassembly done = reassembler_.take(job.pkt, job.frame, nic::ticks());
  counters_.fragments_expired.add(done.expired);
  counters_.fragments_spoilt.add(done.spoilt);
  switch (done.fragment) {
    case nic::Fragment::completed:
      break;
    case nic::Fragment::kept:
      return counters_.count(base::Verdict::collected), false;
    case nic::Fragment::misfit:
      return counters_.count(base::Drop::fragment_misfit), false;
    case nic::Fragment::table_full:
      return counters_.count(base::Drop::fragment_table_full), false;
    case nic::Fragment::too_large:
      return counters_.count(base::Drop::sip_too_large), false;
    case nic::Fragment::no_buffer:
      return counters_.count(base::Drop::buffers_exhausted), false;
  }
  counters_.reassembled.add(1);
  job.pkt = done.datagram;
  if (!describe(job, checksums_.other)) return false;
  if (job.frame.kind == net::FrameKind::fragment) return actor_.drop(job, base::Drop::fragment_invalid), false;
  job.frame.vlan = vlan;
  return true;
}

std::span<Job*> Path::limit(std::span<Job*> jobs, const Site& site) {
  actor_.keep_to(site.limits.reply.is_set() ? &limiter_ : nullptr);
  if (!site.limits.is_any) [[likely]]
    return jobs;
  return limit_sources(jobs, site);
}

void Path::index(std::span<Job*> jobs) {
  for (Job* job : jobs) edge::index(job->payload(), job->subject);
}

void Path::identify(std::span<Job*> jobs, const Site& site) {
  std::size_t count = 0;
  for (Job* job : jobs) {
    unnamed_[count] = &job->subject;
    if (edge::identify_but_key(job->subject, site, aors_[count])) [[likely]]
      ++count;
    else if (job->subject.has_client)
      commons_.assignment.prefetch(job->subject.client);
  }
  sip::client_keys({aors_.data(), count}, site.fleet_seed, keys_);
  for (std::size_t i = 0; i < count; ++i) {
    unnamed_[i]->client = keys_[i];
    commons_.assignment.prefetch(keys_[i]);
  }
}

void Path::screen(std::span<Job*> jobs) {
  const screen::Rules& rules = commons_.rules.read();
  if (!rules.is_empty()) screen_.ask(rules, jobs);
}

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
  const bool learns = site.redirect != site::RedirectPolicy::always;
  const AgentClass agent = learns ? agent_class(msg.value(sip::HeaderId::user_agent), msg.text.data() + msg.text.size()) : 0;
  job.registration = Followers::registration(job.subject.client, msg, marks, agent);
  followers_.prefetch(job.subject.client);
}

static Judgement redirected(assign::HomeIndex home) { return {.verdict = base::Verdict::redirected, .reason = Reason::one_via, .home = home}; }

// Learn from a REGISTER what came of the last redirect, and let that decide.
void Path::consult_followers(Job& job, const Site& site, std::uint32_t now_ms) {
  using Standing = Followers::Standing;
  const Followers::Heard heard = followers_.hear(job.registration, now_ms);
  if (heard.learned != 0) [[unlikely]]
    (heard.learned > 0 ? counters_.redirects_followed : counters_.redirects_not_followed).add(1);
  if (heard.is_repeated) {
    job.judgement = redirected(job.judgement.home);
  } else if (heard.came_back) {
    job.judgement = judge_by_past(job.subject, job.judgement, Reason::redirected_before);
  } else if (heard.standing == Standing::never_follows && site.redirect != site::RedirectPolicy::always) {
    job.judgement = judge_by_past(job.subject, job.judgement, Reason::never_follows);
  } else if (job.judgement.verdict == base::Verdict::redirected || heard.standing == Standing::follows) {
    job.judgement = redirected(job.judgement.home);
    followers_.redirected(job.registration, heard, now_ms);
  }
}

// Where those live who are named; their homes are prefetched.
void Path::place(std::span<Job*> jobs, const Site& site) {
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
  for (std::size_t i = 0; i < count; ++i) {
    named[i]->placement = placements_[i];
    site.homes.prefetch(placements_[i].home);
  }
}

void Path::judge(std::span<Job*> jobs, const Site& site) {
  const std::uint32_t now_min = commons_.now_min.load(std::memory_order_relaxed);
  const auto now_ms = static_cast<std::uint32_t>(nic::ticks() / ticks_per_ms_);
  place(jobs, site);
  for (Job* job : jobs) job->judgement = edge::judge(job->subject, site, job->placement, now_min);
  for (Job* job : jobs)
    if (is_answer(job->judgement.verdict) || job->judgement.reason == Reason::not_listed) mark(*job, site);
  for (Job* job : jobs)
    if (may_be_redirected(job->judgement)) consult_followers(*job, site, now_ms);
  if (site.limits.is_any) [[unlikely]]
    welcome(jobs);
}

void Path::act(std::span<Job*> jobs, const Site& site) {
  const site::Traces& traces = commons_.traces.read();
  if (!traces.empty()) [[unlikely]]
    return act_traced(jobs, site, traces);
  const site::Neighbours& neighbours = commons_.neighbours.read();
  const std::uint32_t now_min = commons_.now_min.load(std::memory_order_relaxed);
  for (Job* job : jobs) actor_.act(*job, site, neighbours, now_min);
}

}  // namespace viaduct::edge
