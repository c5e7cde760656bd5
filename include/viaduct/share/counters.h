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

// One row a counter of a worker: name, and what it counts.
#define VIADUCT_WORKER_COUNTERS(X)                                                                                                \
  X(rx_pkts, "packets taken from a device queue or from another worker")                                                          \
  X(handed_over, "of rx_pkts: passed on to another worker before judging")                                                        \
  X(tx_pkts, "packets accepted by a device queue or a ring towards one")                                                          \
  X(tx_full, "packets refused by a full queue or ring, freed")                                                                    \
  X(bursts, "polls that brought something")                                                                                       \
  X(busy_ms, "milliseconds spent with polls that brought something")                                                              \
  X(sleeps, "idle sleeps")                                                                                                        \
  X(redirects_followed, "REGISTERs that showed that an earlier redirect was followed")                                            \
  X(redirects_not_followed, "REGISTERs that showed that an earlier redirect was not followed: the client is proxied from now on") \
  X(reassembled, "datagrams made whole")                                                                                          \
  X(fragments_expired, "fragments kept in vain: the others did not come in time")                                                 \
  X(fragments_spoilt, "fragments kept in vain: one came that did not fit them")                                                   \
  X(fragments_sent, "fragments of messages above the MTU, or over IPv6 above 1,280 octets, sent")                                 \
  X(second_homes, "requests that went to a second home or binding as well, since that of their client may have changed")          \
  X(registrations_put_off, "REGISTERs of clients not registered, told to come later since the registrar was crowded")             \
  X(sightings_lost, "answers to REGISTERs of watched clients that their shard did not get: no buffer, or its ring was full")      \
  X(requests_shed, "requests refused since their home gets as many as it takes already, or has asked for fewer")                  \
  X(requests_shed_asked, "of requests_shed: since it has asked for fewer")                                                        \
  X(overload_reports, "answers in which a home said how much it wants")                                                           \
  X(overload_outdated, "of overload_reports: later ones had come before")                                                         \
  X(overload_nonsense, "answers in which what a home said of that cannot be meant")

/// The counters of one worker. Writer: that worker. Equations: rx_pkts + second_homes = sum of verdicts + handed_over; verdicts[dropped] = sum of drops.
struct alignas(64) Counters {
#define X(name, what) Counter name;
  VIADUCT_WORKER_COUNTERS(X)
#undef X
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
#define X(name, what) std::uint64_t name{};
  VIADUCT_WORKER_COUNTERS(X)
#undef X
  std::array<std::uint64_t, base::verdicts_count> verdicts{};
  std::array<std::uint64_t, base::drops_count> drops{};
  void add(const Counters& c);
  /// Both equations hold. True only when the workers rest: read while they run, sums may be a burst apart.
  [[nodiscard]] bool balanced() const;
};

}  // namespace viaduct::share
