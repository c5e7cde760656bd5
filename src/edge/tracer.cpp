// SPDX-License-Identifier: Apache-2.0
// Nothing here runs unless somebody traces.
#include "tracer.h"

#include <algorithm>
#include <cstring>

#include "path.h"

namespace viaduct::edge {
namespace {

bool names(const Subject& s, sip::Slice uri, const sip::ClientKey& client, const Site& site) {
  const sip::Named named = sip::name_client(s.msg[uri], s.msg.text, site.domains, site.fleet_seed);
  return named.is_served && named.key == client;
}

bool concerns(const Job& job, const sip::ClientKey& client, const Site& site) {
  const Subject& s = job.subject;
  if (s.is_keepalive || s.msg.fault == sip::Bad::not_sip) return false;
  if (s.has_client && s.client == client) return true;
  return names(s, s.msg.to_uri, client, site) || names(s, s.msg.from_uri, client, site);
}

bool concerns(const Job& job, const base::Prefix& prefix, const Site& site) {
  if (prefix.contains(job.subject.source.address)) return true;
  const bool is_proxied = job.judgement.verdict == base::Verdict::proxied;
  if (is_proxied && job.judgement.home != assign::no_home) return prefix.contains(site.homes.brief(job.judgement.home).address.address);
  return (is_proxied || job.judgement.verdict == base::Verdict::returned) && prefix.contains(job.subject.next.address);
}

void fill(site::TraceRecord& record, const Job& job, Copy copy) {
  const auto octets = job.pkt.octets();
  record.at_ticks = nic::ticks();
  record.is_sent = copy == Copy::sent;
  record.verdict = job.judgement.verdict;
  record.drop = job.judgement.drop;
  record.reason = sentence(job.judgement.reason);
  record.bytes = static_cast<std::uint32_t>(octets.size());
  record.kept_bytes = static_cast<std::uint32_t>(std::min(octets.size(), record.octets.size()));
  std::memcpy(record.octets.data(), octets.data(), record.kept_bytes);
}

// Those whose packet, or its answer, leaves from here.
bool is_sending(base::Verdict v) {
  switch (v) {
    case base::Verdict::redirected:
    case base::Verdict::proxied:
    case base::Verdict::returned:
    case base::Verdict::answered:
    case base::Verdict::rejected:
      return true;
    case base::Verdict::registered:
    case base::Verdict::absorbed:
    case base::Verdict::collected:
    case base::Verdict::controlled:
    case base::Verdict::dropped:
      return false;
  }
  return false;
}

}  // namespace

TraceSet wanted_by(const site::Traces& traces, const Job& job, const Site& site) {
  TraceSet out = 0;
  for (std::size_t i = 0; i < traces.size(); ++i) {
    const site::Trace& t = *traces[i];
    if ((t.client && concerns(job, *t.client, site)) || (t.prefix && concerns(job, *t.prefix, site))) out |= TraceSet{1} << i;
  }
  return out;
}

void copy_to(const site::Traces& traces, TraceSet wanted, const Job& job, Copy copy, unsigned worker) {
  for (std::size_t i = 0; i < traces.size(); ++i) {
    if ((wanted >> i & 1U) == 0) continue;
    site::Trace::Worker& mine = *traces[i]->workers[worker];
    site::TraceRecord* const record = mine.records.free_slot();
    if (record == nullptr) {
      mine.lost.add(1);
      continue;
    }
    fill(*record, job, copy);
    mine.records.commit();
  }
}

// A packet that could not be sent after all is counted as dropped while it is acted on, and is gone then.
void Path::act_traced(std::span<Job*> jobs, const Site& site, const site::Traces& traces) {
  const site::Neighbours& neighbours = commons_.neighbours.read();
  const std::uint32_t now_min = commons_.now_min.load(std::memory_order_relaxed);
  const share::Counter& dropped = counters_.verdicts[std::to_underlying(base::Verdict::dropped)];
  for (Job* job : jobs) {
    const TraceSet wanted = wanted_by(traces, *job, site);
    copy_to(traces, wanted, *job, Copy::received, worker_);
    const std::uint64_t dropped_before = dropped.get();
    actor_.act(*job, site, neighbours, now_min);
    if (is_sending(job->judgement.verdict) && dropped.get() == dropped_before) copy_to(traces, wanted, *job, Copy::sent, worker_);
  }
}

}  // namespace viaduct::edge
