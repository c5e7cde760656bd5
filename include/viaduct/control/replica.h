// SPDX-License-Identifier: Apache-2.0
// This node's copy of what its fleet has agreed on: kept up by following the log that all nodes share, before the node starts and while it runs.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "viaduct/control/entry.h"
#include "viaduct/control/fleet.h"
#include "viaduct/control/peers.h"
#include "viaduct/control/placements.h"
#include "viaduct/store/shared_log.h"

namespace viaduct::control {

/// A row of an entry with what this node makes of it.
struct FollowedClient {
  ClientRow row;
  base::Hash128 key;
};

/// Thread: start and stop the node's; everything else any.
class Replica {
 public:
  /// What a node says of itself, in its row; kept by others as it is.
  using Says = std::function<std::string()>;
  /// Told of each entry of another node before the table has it, by who has the pen. Past ones are those from before the start, the oldest first.
  using OnEntry = std::function<void(const Entry&, const std::vector<FollowedClient>&, bool is_past)>;
  /// The log has forgotten what this node would need next: started again it fetches all.
  using OnLost = std::function<void()>;
  /// Who was accepted here since it was last called.
  using Arrivals = std::function<std::vector<assign::Confirmation>()>;

  Replica(site::Commons& commons, Loop& loop, Placements& placements, Fleet& fleet, store::SharedLog& log, std::string node)
      : commons_(commons), loop_(loop), placements_(placements), fleet_(fleet), log_(log), node_(std::move(node)) {}
  ~Replica() { stop(); }

  /// `past_s`: for so many seconds what has set out before matters. A node that has not seen all of the log yet begins as stale.
  void start(Says says, OnEntry on_entry, Arrivals arrivals, OnLost on_lost, std::uint32_t past_s);
  /// Tell the others who has arrived here, if that takes no waiting.
  void tell_arrivals();
  /// This node is gone for the others. Nothing is followed any more.
  void stop();

  /// Take over all that the log has. Shape: the pen is held.
  [[nodiscard]] Expected<void> catch_up();
  /// Whether the log's servers have answered of late.
  [[nodiscard]] bool is_heard() const;
  /// Whether this node makes the fleet's plans.
  [[nodiscard]] bool leads() const { return leads_.load(std::memory_order_relaxed); }

  struct Standing {
    base::Hash128 mark;
    std::uint32_t first{}, last{};            ///< what the log has
    std::uint32_t epoch{};                    ///< what this node has
    std::vector<store::Attendant> nodes;
    std::string leader;
    bool is_stale{};
    std::uint64_t heard_ago_ms{};             ///< since the log's servers last answered
    std::string trouble;                      ///< why it cannot be followed; empty: it can
  };
  [[nodiscard]] Standing standing() const;

 private:
  void run();
  void run_attending();
  void round();
  void read_past();
  [[nodiscard]] Expected<bool> take(const store::Tail& tail);
  [[nodiscard]] Expected<void> take_item(const store::LogItem& item);
  [[nodiscard]] Expected<void> compare_last();
  [[nodiscard]] Expected<std::uint32_t> epoch() const;
  void attend();
  [[nodiscard]] Expected<bool> follow_log();
  void trim(const store::Tail& tail);
  void note(const std::string& trouble);
  void judge_staleness();

  site::Commons& commons_;
  Loop& loop_;
  Placements& placements_;
  Fleet& fleet_;
  store::SharedLog& log_;
  const std::string node_;
  Says says_;
  OnEntry on_entry_;
  Arrivals arrivals_;
  OnLost on_lost_;
  std::uint32_t past_s_{};
  std::mutex telling_;                         // of the next
  std::vector<assign::Confirmation> untold_;
  // The following thread's.
  std::uint64_t told_ms_{}, waits_ms_{}, follow_again_ms_{};
  std::uint32_t past_read_{}, past_end_{};     // what was read again of what was there at the start, and where that ends
  bool is_past_known_{};
  std::uint64_t attend_again_ms_{};            // the attending thread's
  bool must_compare_{};                        // the thread's: the log was away, and may be back as another
  std::atomic<bool> leads_{};
  mutable std::mutex mutex_;                   // of all below
  std::condition_variable wake_;
  bool stopping_{};
  store::Tail tail_;                           // without items
  std::uint32_t epoch_{};
  std::uint64_t heard_ms_{}, whole_ms_{};      // when the log last answered, and when this node last had all of it; 0: not yet
  std::string trouble_, unattended_;           // why it is not followed; why this node could not say that it is there
  std::thread thread_, attending_;
};

}  // namespace viaduct::control
