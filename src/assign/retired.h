// SPDX-License-Identifier: Apache-2.0
// What was unpublished and waits for its grace period: polled, never waited for.
#pragma once
#include <deque>
#include <memory>
#include <utility>

#include "viaduct/share/epoch.h"

namespace viaduct::assign {

/// Thread: the writer's.
class Retired {
 public:
  void add(std::shared_ptr<const void> piece, share::Epoch& epoch) { pieces_.emplace_back(epoch.start(), std::move(piece)); }
  void reclaim(share::Epoch& epoch) {
    while (!pieces_.empty() && epoch.is_over(pieces_.front().first)) pieces_.pop_front();
  }
  [[nodiscard]] std::size_t size() const { return pieces_.size(); }

 private:
  std::deque<std::pair<share::GraceToken, std::shared_ptr<const void>>> pieces_;  // oldest first
};

}  // namespace viaduct::assign
