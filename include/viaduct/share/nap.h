// SPDX-License-Identifier: Apache-2.0
// How a core with nothing to do sleeps: at first 50 us, then longer and longer.
#pragma once
#include <time.h>

#include <algorithm>

namespace viaduct::share {

/// The longest sleep bounds the latency of the first packet after it, and how late a change of the configuration is seen.
class Nap {
 public:
  void take() {
    const timespec duration{.tv_sec = 0, .tv_nsec = ns_};
    nanosleep(&duration, nullptr);
    ns_ = std::min(ns_ * 2, max_ns);
  }
  /// There was something to do.
  void reset() { ns_ = first_ns; }

 private:
  static constexpr long first_ns = 50'000;
  static constexpr long max_ns = 1'000'000;
  long ns_{first_ns};
};

}  // namespace viaduct::share
