// SPDX-License-Identifier: Apache-2.0
// How fast NOTIFYs may begin: so many a second, and far fewer while many of them are not answered.
#pragma once
#include <algorithm>
#include <cstdint>

namespace viaduct::notifier {

class Pace {
 public:
  /// True when one more may begin now.
  [[nodiscard]] bool take(std::uint64_t now_ms, std::uint32_t per_s) {
    const double rate = is_slow_ ? std::max(1.0, per_s * slow_share) : per_s;
    const double most = std::max(1.0, rate / 10);
    if (now_ms > filled_ms_) tokens_ = std::min(most, tokens_ + rate * static_cast<double>(now_ms - filled_ms_) / 1000);
    filled_ms_ = now_ms;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }
  /// One has come to an end, answered or not. True when that cuts the pace.
  [[nodiscard]] bool note(bool answered, std::uint64_t now_ms) {
    if (now_ms - window_ms_ > window_length_ms) {
      window_ms_ = now_ms;
      ended_ = unanswered_ = 0;
    }
    ++ended_;
    unanswered_ += answered ? 0 : 1;
    if (ended_ < judged_from) return false;
    const bool was_slow = is_slow_;
    is_slow_ = unanswered_ * 5 > ended_;
    return is_slow_ && !was_slow;
  }

 private:
  static constexpr std::uint64_t window_length_ms = 30'000;
  static constexpr std::uint32_t judged_from = 20;   // ends in a window, before which a share says nothing
  static constexpr double slow_share = 0.05;         // enough to see when they are answered again
  double tokens_{1};
  std::uint64_t filled_ms_{}, window_ms_{};
  std::uint32_t ended_{}, unanswered_{};
  bool is_slow_{};
};

}  // namespace viaduct::notifier
