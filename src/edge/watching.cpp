// SPDX-License-Identifier: Apache-2.0
// Third-party homes have no notifier here, so this node is theirs: it sees what they answer to their clients' REGISTERs, and hands it to the registrar's shard.
#include "watching.h"

#include <array>
#include <cstring>

#include "path.h"

namespace viaduct::edge {

std::optional<sip::ClientKey> registered_client(const Subject& response, const Site& site) {
  const sip::Message& msg = response.msg;
  if (msg.method != sip::Method::register_ || msg.status < 200 || msg.status > 299 || site.homes.find(response.source) == assign::no_home) return std::nullopt;
  std::array<char, base::aor_bytes_max> room;
  const auto aor = sip::canonical_aor(msg[msg.to_uri], site.domains, room);
  return aor ? std::optional(sip::client_key(*aor, site.fleet_seed)) : std::nullopt;
}

Judgement in_sight(const Subject& request, const Judgement& j) {
  const bool may_be_redirected = j.verdict == base::Verdict::redirected || j.reason == Reason::not_listed;
  return may_be_redirected ? judge_by_past(request, j, Reason::watched) : j;
}

// Who is watched is not redirected, whatever is known of him.
[[gnu::noinline]] void Path::keep_in_sight(std::span<Job*> jobs) {
  for (Job* job : jobs)
    if (job->subject.has_client && commons_.watched.contains(job->subject.client)) job->judgement = in_sight(job->subject, job->judgement);
}

// Before the responses themselves are acted on: what is copied must be as it came.
[[gnu::noinline]] void Path::tell_of_sightings(std::span<Job*> jobs, const Site& site) {
  for (const Job* job : jobs) {
    if (job->judgement.verdict != base::Verdict::returned) continue;
    const auto client = registered_client(job->subject, site);
    if (client && commons_.watched.contains(*client) && !tell_of_sighting(*job, *client)) counters_.sightings_lost.add(1);
  }
}

bool Path::tell_of_sighting(const Job& job, const sip::ClientKey& client) {
  const std::size_t bytes = job.pkt.bytes();
  nic::Packet copy = bytes <= base::packet_bytes_max ? commons_.ports.allocate() : commons_.ports.allocate_large();
  if (!copy) return false;
  std::memcpy(copy.data(), job.pkt.data(), bytes);
  copy.set(copy.data(), bytes);
  auto& note = copy.note<site::Note>();
  note = {};
  note.kind = site::Note::Kind::sighting;
  note.frame = job.frame;
  note.client = client;
  note.flow = job.subject.next;
  void* mail = copy.raw();
  if (commons_.to_registrar[assign::shard_of(client, commons_.to_registrar.size())]->push({&mail, 1}) == 1) return true;
  nic::free(copy);
  return false;
}

}  // namespace viaduct::edge
