// SPDX-License-Identifier: Apache-2.0
// Whose load a message is: exact counts by home, and now and then a sample that says whose request it was; and what homes say of their load.
#pragma once
#include <algorithm>

#include "job.h"
#include "timing.h"
#include "viaduct/site/load.h"

namespace viaduct::edge {

/// Thread: its worker's. Memory: what site::Load has taken for that worker.
class Tally {
 public:
  Tally(site::Load& load, share::Counters& counters, unsigned worker)
      : load_(load), told_(load.worker(worker)), counters_(counters), timing_(load), random_(worker + 1) {}
  /// A burst of so many messages. A long one is no sign of quiet, whatever the control core knows yet: of it a few are sampled, which stand for the others.
  void begin(std::size_t messages) {
    const auto fewest = static_cast<std::uint32_t>(messages / base::samples_a_burst);
    const std::uint32_t one_in = std::max(load_.one_in.load(std::memory_order_relaxed), fewest);
    if (one_in != one_in_) draw_anew(one_in);
  }
  /// Count a message that is judged.
  [[gnu::always_inline]] void count(const Job& job, const Site& site) {
    assign::HomeIndex home = job.judgement.home;
    if (home == assign::no_home) [[unlikely]] {
      home = count_other(job, site);
      if (home == assign::no_home) return;
    }
    told_.tallies.of(home).requests[std::to_underlying(site::kind_of(job.subject.msg.method))].add(1);
    if (job.subject.has_client && --until_sample_ == 0) [[unlikely]]
      sample(job.subject, site, home);
  }

 private:
  [[nodiscard]] assign::HomeIndex count_other(const Job& job, const Site& site);
  void sample(const Subject& subject, const Site& site, assign::HomeIndex home);
  void draw_anew(std::uint32_t one_in);
  [[nodiscard]] std::uint32_t gap();

  void hear_overload(const sip::Message& response, assign::HomeIndex home);
  void time(const sip::Message& response, assign::HomeIndex home);

  site::Load& load_;
  site::WorkerLoad& told_;
  share::Counters& counters_;
  Timing timing_;
  std::uint64_t random_;
  std::uint32_t until_sample_{1};   // requests of clients
  std::uint32_t one_in_{1};
  double log_skip_{};               // of the chance that a request is not sampled
};

}  // namespace viaduct::edge
