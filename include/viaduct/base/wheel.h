// SPDX-License-Identifier: Apache-2.0
// A timing wheel of one-second slots: timers are members of what they time, so setting and cancelling cost no memory and no search. No clock of its own.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace viaduct::base {

/// A link of the wheel; what is timed derives from it. Not set while `next` is null.
struct Timer {
  Timer* next{};
  Timer* previous{};
  std::uint64_t due_s{};
};

/// Thread: one. Timers later than the wheel's reach wait at its end and are set again from there.
class Wheel {
 public:
  /// Seconds that one turn reaches: above the longest expiry in use (two hours), so that most timers are touched once.
  static constexpr std::size_t slots_count = 8192;

  Wheel() : slots_(slots_count) {
    for (Timer& head : slots_) head.next = head.previous = &head;
  }

  /// Set, or set anew.
  void set(Timer& timer, std::uint64_t due_s) {
    cancel(timer);
    timer.due_s = due_s;
    Timer& head = slots_[std::clamp(due_s, hand_s_, hand_s_ + slots_count - 1) % slots_count];
    timer.previous = head.previous;
    timer.next = &head;
    timer.previous->next = &timer;
    head.previous = &timer;
  }
  static void cancel(Timer& timer) {
    if (!timer.next) return;
    timer.previous->next = timer.next;
    timer.next->previous = timer.previous;
    timer.next = timer.previous = nullptr;
  }
  /// One timer that is due, no longer set; nullptr when there is none left. Cost: what is due, and the seconds passed since the last call, at most one turn.
  [[nodiscard]] Timer* take_due(std::uint64_t now_s) {
    if (now_s >= hand_s_ + slots_count) hand_s_ = now_s - slots_count + 1;
    while (hand_s_ <= now_s) {
      Timer* timer = slots_[hand_s_ % slots_count].next;
      if (timer == &slots_[hand_s_ % slots_count]) {
        ++hand_s_;
        continue;
      }
      if (timer->due_s > now_s) {
        set(*timer, timer->due_s);
        continue;
      }
      cancel(*timer);
      return timer;
    }
    return nullptr;
  }

 private:
  std::vector<Timer> slots_;  // heads of rings
  std::uint64_t hand_s_{};    // the earliest second that is not wholly taken
};

}  // namespace viaduct::base
