// SPDX-License-Identifier: Apache-2.0
// START HERE: one burst of packets, from receive to send, stage by stage. Each stage goes over the whole burst, so that the next one's memory is on its way.
#include "path.h"

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
  tally(jobs, site);                                    // whose load is it?                        edge/tally.h
  act(jobs, site);                                      // do it, in the packet                     edge/act.h
  actor_.flush();                                       // send
  return received.size();
}

Path::Path(site::Commons& commons, const WorkerConfig& config)
    : commons_(commons),
      counters_(commons.counters[config.index]),
      worker_(config.index),
      stations_(stations_of(commons.ports)),
      inlet_(commons, config.index),
      actor_(commons, config.index),
      followers_(config.redirects_kept),
      limiter_(config.limit_entries, commons.welcome),
      shedder_(commons.load.workers()),
      screen_(config.index, config.screen_cache_entries),
      tally_(commons.load, counters_, config.index),
      reassembler_(commons.ports, commons.fragmented_datagrams_max),
      checksums_(commons.ports.checksum_policy()),
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
      commons_.assignment.prefetch({&job->subject.client, 1});
  }
  sip::client_keys({aors_.data(), count}, site.fleet_seed, keys_);
  for (std::size_t i = 0; i < count; ++i) unnamed_[i]->client = keys_[i];
  commons_.assignment.prefetch({keys_.data(), count});
}

void Path::screen(std::span<Job*> jobs) {
  const screen::Rules& rules = commons_.rules.read();
  if (!rules.is_empty()) screen_.ask(rules, jobs);
}

void Path::tally(std::span<Job*> jobs, const Site& site) {
  tally_.begin(jobs.size());
  for (const Job* job : jobs) tally_.count(*job, site);
}

void Path::act(std::span<Job*> jobs, const Site& site) {
  if (twins_count_ != 0) [[unlikely]]
    act_on_twins(site);
  const site::Traces& traces = commons_.traces.read();
  if (!traces.empty()) [[unlikely]]
    return act_traced(jobs, site, traces);
  const site::Neighbours& neighbours = commons_.neighbours.read();
  const std::uint32_t now_min = commons_.now_min.load(std::memory_order_relaxed);
  for (Job* job : jobs) actor_.act(*job, site, neighbours, now_min);
}

}  // namespace viaduct::edge
