// SPDX-License-Identifier: Apache-2.0
// Requests that go to two places: a CANCEL, or an ACK, of a client who has another home, or another binding, since his INVITE, or may have (RFC 3261 16.11);
// and those that go to one place in two transactions, since the fleet's key may have become another after their INVITE.
// Their answers meet at the client, who takes the first.
#include <cstring>
#include <utility>

#include "path.h"

namespace viaduct::edge {

// Before the requests themselves are acted on: what is copied must be as it came.
[[gnu::noinline]] void Path::act_on_twins(const Site& site) {
  const std::span<Twin> twins = std::span(twins_).first(std::exchange(twins_count_, 0));
  const site::Neighbours& neighbours = commons_.neighbours.read();
  const std::uint32_t now_min = commons_.now_min.load(std::memory_order_relaxed);
  for (const Twin& twin : twins) {
    const Job& job = *twin.job;
    if (job.judgement.verdict != base::Verdict::proxied) continue;
    const nic::Packet copy = commons_.ports.allocate_large();
    if (!copy) continue;
    std::memcpy(copy.data(), job.pkt.data(), job.pkt.bytes());
    twin_.pkt = copy;
    twin_.pkt.set(copy.data(), job.pkt.bytes());
    twin_.frame = job.frame;
    twin_.subject.source = job.subject.source;
    twin_.subject.listener = job.subject.listener;
    twin_.subject.readable_behind = twin_.pkt.tailroom();
    edge::index(twin_.payload(), twin_.subject);
    edge::identify(twin_.subject, site);
    twin_.placement = {.home = twin.home, .layer = job.placement.layer, .epoch = job.placement.epoch};
    if (twin.location != nullptr)
      edge::locate_at(twin_.subject, *twin.location, twin.binding);
    else if (site.local_home != assign::no_home && may_be_served_here(twin_.subject, site, twin_.placement))
      edge::locate(twin_.subject, commons_.locations.find(twin_.subject.client));
    twin_.judgement = edge::judge(twin_.subject, site, twin_.placement, now_min);
    if (twin_.judgement.verdict != base::Verdict::proxied) {
      nic::free(twin_.pkt);
      continue;
    }
    twin_.branch = sip::make_branch(twin_.subject.msg, twin_.subject.msg.top, direction(twin_.subject), twin_.subject.source,
                                    twin.by_key_before ? before(site.keys) : site.keys);
    counters_.second_homes.add(1);
    tally_.count(twin_, site);
    actor_.act(twin_, site, neighbours, now_min);
  }
}

}  // namespace viaduct::edge
