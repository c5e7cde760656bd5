// SPDX-License-Identifier: Apache-2.0
// Sums of the cores' counters and the equations between them. Who shows them is not known here.
#include "viaduct/share/counters.h"

#include <numeric>

namespace viaduct::share {

void CounterSums::add(const Counters& c) {
  rx_pkts += c.rx_pkts.get();
  handed_over += c.handed_over.get();
  tx_pkts += c.tx_pkts.get();
  tx_full += c.tx_full.get();
  bursts += c.bursts.get();
  sleeps += c.sleeps.get();
  redirects_followed += c.redirects_followed.get();
  redirects_not_followed += c.redirects_not_followed.get();
  reassembled += c.reassembled.get();
  fragments_expired += c.fragments_expired.get();
  fragments_spoilt += c.fragments_spoilt.get();
  fragments_sent += c.fragments_sent.get();
  second_homes += c.second_homes.get();
  registrations_put_off += c.registrations_put_off.get();
  sightings_lost += c.sightings_lost.get();
  requests_shed += c.requests_shed.get();
  requests_shed_asked += c.requests_shed_asked.get();
  overload_reports += c.overload_reports.get();
  overload_outdated += c.overload_outdated.get();
  overload_nonsense += c.overload_nonsense.get();
  for (std::size_t i = 0; i < verdicts.size(); ++i) verdicts[i] += c.verdicts[i].get();
  for (std::size_t i = 0; i < drops.size(); ++i) drops[i] += c.drops[i].get();
}

bool CounterSums::balanced() const {
  const auto judged = std::accumulate(verdicts.begin(), verdicts.end(), std::uint64_t{0});
  const auto reasons = std::accumulate(drops.begin(), drops.end(), std::uint64_t{0});
  return rx_pkts + second_homes == judged + handed_over && verdicts[std::to_underlying(base::Verdict::dropped)] == reasons;
}

}  // namespace viaduct::share
