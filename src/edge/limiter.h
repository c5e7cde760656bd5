// SPDX-License-Identifier: Apache-2.0
// Who has sent too much, or made us send too much: sources, all strangers together, clients, and answers by octets. One a worker, bounded.
#pragma once
#include <array>
#include <optional>
#include <span>

#include "buckets.h"
#include "job.h"
#include "viaduct/site/welcome.h"

namespace viaduct::edge {

/// Thread: its worker's. Memory: all of it taken here, 48 octets a source.
class Limiter {
 public:
  /// `sources`: how many sources, and as many clients, are told apart at once.
  Limiter(std::size_t sources, site::Welcome& welcome);

  /// A burst begins.
  void begin(const Site& site, std::uint64_t now_ns);
  /// After a packet's frame is known, in two steps: its bucket is prefetched; why it is over, or nothing.
  void look(Job& job);
  [[nodiscard]] std::optional<base::Drop> hinder_source(const Job& job);
  /// After its client is known: the same for requests, in the same two steps.
  void look_for_client(const Job& job) const;
  [[nodiscard]] std::optional<base::Drop> hinder_client(const Job& job);
  /// Whether an answer of so many octets may go to the source of a job.
  [[nodiscard]] bool may_answer(const Job& job, std::size_t bytes);
  /// A home's 2xx to a REGISTER goes back to this source, which is a stranger no more.
  void welcome(const base::Endpoint& source);
  /// Seconds until which a refused request should wait: another each time, so that those who wait do not come back together.
  [[nodiscard]] std::uint8_t retry_after_s();

 private:
  [[nodiscard]] std::uint64_t key_of(const base::Address& source) const;
  // Already a keyed hash.
  [[nodiscard]] static std::uint64_t key_of(const sip::ClientKey& client) { return client.low ^ client.high; }
  [[nodiscard]] bool is_friend(const base::Address& source) const;

  site::Welcome& welcome_;   // of all workers
  const Site* site_{};
  std::uint64_t now_ns_{};
  std::uint64_t random_;
  Buckets sources_;
  Buckets clients_;
  Buckets replies_;
  Buckets strangers_;   // one
};

}  // namespace viaduct::edge
