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

}  // namespace

TraceSet wanted_by(const site::Traces& traces, const Job& job, const Site& site) {
  TraceSet out = 0;
  for (std::size_t i = 0; i < traces.size(); ++i) {
    const site::Trace& t = *traces[i];
    if ((t.client && concerns(job, *t.client, site)) || (t.prefix && concerns(job, *t.prefix, site))) out |= TraceSet{1} << i;
  }
  return out;
}

void copy_to(const Tracing& tracing, const Job& job, Copy copy) {
  for (std::size_t i = 0; i < tracing.traces.size(); ++i) {
    if ((tracing.wanted >> i & 1U) == 0) continue;
    site::Trace::Worker& mine = *tracing.traces[i]->workers[tracing.worker];
    site::TraceRecord* const record = mine.records.free_slot();
    if (record == nullptr) {
      mine.lost.add(1);
      continue;
    }
    fill(*record, job, copy);
    mine.records.commit();
  }
}

void Path::act_traced(std::span<Job*> jobs, const Site& site, const site::Traces& traces) {
  const site::Neighbours& neighbours = commons_.neighbours.read();
  const std::uint32_t now_min = commons_.now_min.load(std::memory_order_relaxed);
  for (Job* job : jobs) {
    const Tracing tracing{.traces = traces, .wanted = wanted_by(traces, *job, site), .worker = worker_};
    copy_to(tracing, *job, Copy::received);
    actor_.trace_by(tracing.wanted != 0 ? &tracing : nullptr);
    actor_.act(*job, site, neighbours, now_min);
  }
  actor_.trace_by(nullptr);
}

}  // namespace viaduct::edge
