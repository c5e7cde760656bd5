// SPDX-License-Identifier: Apache-2.0
// An immutable value that many read and one replaces: swapped by pointer, the old one destroyed after its grace period.
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <utility>

#include "viaduct/share/epoch.h"

namespace viaduct::share {

/// One writer (the control core); readers are registered with the Epoch and hold a value no longer than to their next quiescent point.
template <typename T>
class Published {
 public:
  explicit Published(std::unique_ptr<const T> first) : value_(first.release()) {}
  ~Published() { delete value_.load(std::memory_order_relaxed); }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  /// Reader. Acquire: pairs with the release in publish.
  [[nodiscard]] const T& read() const { return *value_.load(std::memory_order_acquire); }

  /// Writer: make `next` visible; the old value is kept until reclaim finds its grace period over.
  void publish(std::unique_ptr<const T> next, Epoch& epoch) {
    const T* old = value_.exchange(next.release(), std::memory_order_acq_rel);
    retired_.emplace_back(epoch.start(), std::unique_ptr<const T>(old));
  }
  /// Writer, now and then: destroy what no reader can hold any more. Returns how many values still wait.
  std::size_t reclaim(Epoch& epoch) {
    while (!retired_.empty() && epoch.is_over(retired_.front().first)) retired_.pop_front();
    return retired_.size();
  }

 private:
  std::atomic<const T*> value_;
  std::deque<std::pair<GraceToken, std::unique_ptr<const T>>> retired_;
};

}  // namespace viaduct::share
