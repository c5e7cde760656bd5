// SPDX-License-Identifier: Apache-2.0
// Counters of one core, on cache lines of their own, summed by whoever asks; and the equation that they obey.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "viaduct/base/verdict.h"

namespace viaduct::share {

/// A counter with one writer: relaxed load and store, no locked instruction; readers see a value that was true a moment ago.
class Counter {
 public:
  void add(std::uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// The counters of one worker. Writer: that worker. Equations: rx_pkts + second_homes = sum of verdicts + handed_over; verdicts[dropped] = sum of drops.
struct alignas(64) Counters {
  Counter rx_pkts;        ///< taken from a device queue or from another worker
  Counter handed_over;    ///< of those: passed on to another worker before judging
  Counter tx_pkts;        ///< accepted by a device queue or a ring towards one
  Counter tx_full;        ///< refused by a full queue or ring, freed
  Counter bursts;         ///< polls that brought something
  Counter sleeps;         ///< idle sleeps
  Counter redirects_followed;      ///< REGISTERs that showed that an earlier redirect was followed
  Counter redirects_not_followed;  ///< ... that it was not: the client is proxied from now on
  Counter reassembled;         ///< datagrams made whole
  Counter fragments_expired;   ///< fragments kept in vain: the others did not come in time
  Counter fragments_spoilt;    ///< fragments kept in vain: one came that did not fit them
  Counter fragments_sent;      ///< of messages above the MTU
  Counter second_homes;        ///< requests that went to a second home or binding as well, since that of their client may have changed
  Counter registrations_put_off;   ///< REGISTERs of clients not registered, told to come later since the registrar was crowded
  Counter sightings_lost;          ///< answers to REGISTERs of watched clients that their shard did not get: no buffer, or its ring was full
  Counter requests_shed;           ///< refused since their home gets as many as it takes already, or has asked for fewer
  Counter requests_shed_asked;     ///< of these: since it has asked for fewer
  Counter overload_reports;        ///< answers in which a home said how much it wants
  Counter overload_outdated;       ///< of these: later ones had come before
  Counter overload_nonsense;       ///< answers in which what a home said of that cannot be meant
  std::array<Counter, base::verdicts_count> verdicts;
  std::array<Counter, base::drops_count> drops;

  void count(base::Verdict v) { verdicts[std::to_underlying(v)].add(1); }
  void count(base::Drop d) {
    drops[std::to_underlying(d)].add(1);
    count(base::Verdict::dropped);
  }
};

/// A sum of several workers' counters, as plain numbers.
struct CounterSums {
  std::uint64_t rx_pkts{}, handed_over{}, tx_pkts{}, tx_full{}, bursts{}, sleeps{}, redirects_followed{}, redirects_not_followed{};
  std::uint64_t reassembled{}, fragments_expired{}, fragments_spoilt{}, fragments_sent{}, second_homes{}, registrations_put_off{}, sightings_lost{},
      requests_shed{}, requests_shed_asked{}, overload_reports{}, overload_outdated{}, overload_nonsense{};
  std::array<std::uint64_t, base::verdicts_count> verdicts{};
  std::array<std::uint64_t, base::drops_count> drops{};
  void add(const Counters& c);
  /// Both equations hold. True only when the workers rest: read while they run, sums may be a burst apart.
  [[nodiscard]] bool balanced() const;
};

}  // namespace viaduct::share
