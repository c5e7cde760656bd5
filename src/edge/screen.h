// SPDX-License-Identifier: Apache-2.0
// The stage that asks the screening rules about a burst's requests.
#pragma once
#include <array>
#include <span>

#include "job.h"
#include "viaduct/screen/screener.h"

namespace viaduct::edge {

/// Thread: its worker's.
class Screen {
 public:
  /// Memory: all of it taken here; 32 octets an entry of the cache.
  Screen(unsigned worker, std::size_t cache_entries) : screener_(worker, cache_entries) {}
  /// Puts into each request's subject what the rules say of it. Responses and what is too broken to be read are not asked about.
  void ask(const screen::Rules& rules, std::span<Job*> jobs);

 private:
  screen::Screener screener_;
  std::array<Job*, base::burst_pkts_max> asked_;
  std::array<screen::Values, base::burst_pkts_max> values_;
  std::array<screen::Screener::Hashes, base::burst_pkts_max> hashes_;
};

/// The values that the rules ask for; of the others there is none. They borrow from the subject and its message.
[[nodiscard]] screen::Values screen_values(const Subject& subject, const screen::Rules& rules);
/// A request whose headers are known.
[[nodiscard]] bool is_screened(const Subject& subject);

}  // namespace viaduct::edge
