// SPDX-License-Identifier: Apache-2.0
// The stages of a burst that keep to the operator's limits, where there are any.
#include "path.h"

namespace viaduct::edge {

// What is to be dropped is not even indexed.
[[gnu::noinline]] std::span<Job*> Path::limit_sources(std::span<Job*> jobs, const Site& site) {
  limiter_.begin(site, static_cast<std::uint64_t>(static_cast<double>(nic::ticks()) * ns_per_tick_));
  for (Job* job : jobs) limiter_.look(*job);
  std::size_t count = 0;
  for (Job* job : jobs) {
    const auto over = limiter_.hinder_source(*job);
    if (over && site.limits.over == site::Over::drop) {
      actor_.drop(*job, *over);
      continue;
    }
    if (over) hold_back(*job, *over);
    sound_[count++] = job;
  }
  return {sound_.data(), count};
}

void Path::hold_back(Job& job, base::Drop limit) { job.subject.excess = {.is_over = true, .limit = limit, .retry_after_s = limiter_.retry_after_s()}; }

void Path::limit_clients(std::span<Job*> jobs, const Site& site) {
  if (!site.limits.client.is_set()) [[likely]]
    return;
  for (const Job* job : jobs) limiter_.look_for_client(*job);
  for (Job* job : jobs)
    if (const auto over = limiter_.hinder_client(*job)) hold_back(*job, *over);
}

// Whom a home has registered through us is no stranger any more.
[[gnu::noinline]] void Path::welcome(std::span<Job*> jobs) {
  for (const Job* job : jobs)
    if (job->judgement.verdict == base::Verdict::returned && job->subject.msg.method == sip::Method::register_ && job->subject.msg.status / 100 == 2)
      limiter_.welcome(job->subject.next);
}

}  // namespace viaduct::edge
