// SPDX-License-Identifier: Apache-2.0
// A timing wheel: timers are members of what they time, so setting and cancelling cost no memory and no search. No clock of its own.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace viaduct::base {

/// A link of the wheel; what is timed derives from it. Not set while `next` is null.
struct Timer {
  Timer* next{};
  Timer* previous{};
  std::uint64_t due{};   ///< tick
};

/// Units: ticks, as long as its user says. Thread: one. Timers later than the wheel's reach wait at its end and are set again from there.
class Wheel {
 public:
  /// Ticks that one turn reaches: of seconds, above the longest expiry in use (two hours), so that most timers are touched once.
  static constexpr std::size_t slots_count = 8192;

  Wheel() : slots_(slots_count) {
    for (Timer& head : slots_) head.next = head.previous = &head;
  }

  /// Set, or set anew.
  void set(Timer& timer, std::uint64_t due) {
    cancel(timer);
    timer.due = due;
    Timer& head = slots_[std::clamp(due, hand_, hand_ + slots_count - 1) % slots_count];
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
  /// One timer that is due, no longer set; nullptr when there is none left. Cost: what is due, and the ticks passed since the last call, at most one turn.
  [[nodiscard]] Timer* take_due(std::uint64_t now) {
    if (now >= hand_ + slots_count) hand_ = now - slots_count + 1;
    while (hand_ <= now) {
      Timer* timer = slots_[hand_ % slots_count].next;
      if (timer == &slots_[hand_ % slots_count]) {
        ++hand_;
        continue;
      }
      if (timer->due > now) {
        set(*timer, timer->due);
        continue;
      }
      cancel(*timer);
      return timer;
    }
    return nullptr;
  }

 private:
  std::vector<Timer> slots_;  // heads of rings
  std::uint64_t hand_{};    // the earliest tick that is not wholly taken
};

}  // namespace viaduct::base
