// SPDX-License-Identifier: Apache-2.0
// Tells homes of clients who move, so that the mover waits for none of them: a home that is slow to answer, or does not, holds up its own watchers alone.
#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "viaduct/migration/mover.h"

namespace viaduct::migration {

/// What a home is told, and what came of it.
struct Errand {
  assign::HomeIndex home{};   ///< that has the subscriptions
  Tidings tidings{};
  std::vector<Step> steps;
  Expected<std::vector<sip::ClientKey>> told{};  ///< as TellWatchers
};

/// Thread: any.
class Herald {
 public:
  /// `tell` is called from threads of its own, for one home from one at a time; `returned` after each of its calls.
  Herald(TellWatchers tell, std::function<void()> returned);
  /// Waits for the calls that are under way; the others are not made.
  ~Herald();
  Herald(const Herald&) = delete;
  Herald& operator=(const Herald&) = delete;

  /// Those of one home in the order in which they are given. When one fails those that wait behind it have failed too: a plan hands over many a second, and a
  /// home that does not answer costs seconds each time.
  void send(Errand errand);
  /// Those that have returned since the last call.
  [[nodiscard]] std::vector<Errand> take();

 private:
  void run();

  TellWatchers tell_;
  std::function<void()> returned_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_{};
  std::unordered_map<assign::HomeIndex, std::deque<Errand>> waiting_;  // by home; of one that is being told too, and empty then at times
  std::deque<assign::HomeIndex> ready_;  // that wait, and nobody is telling them
  std::vector<Errand> done_;
  std::vector<std::thread> threads_;
};

}  // namespace viaduct::migration
