// SPDX-License-Identifier: Apache-2.0
// When the fleet's signing key became another: a transaction that began before has branches by the one before, which is the second now.
#pragma once
#include "viaduct/base/limits.h"
#include "viaduct/sip/token.h"

namespace viaduct::edge {

/// Thread: its worker's, which looks once a burst.
class Rotation {
 public:
  /// Whether an INVITE that is still pending may have been signed by the second key. Units: `now_min` are minutes since 1970; a minute more may pass.
  [[nodiscard]] bool is_recent(const sip::SigningKeys& keys, std::uint32_t now_min) {
    const char letter = keys.keys[0] ? keys.keys[0]->letter : '\0';
    if (letter != letter_) [[unlikely]] {
      rotated_min_ = keys.keys[1] && keys.keys[1]->letter == letter_ ? now_min : 0;
      letter_ = letter;
    }
    return rotated_min_ != 0 && keys.keys[1] && now_min - rotated_min_ <= base::invite_pending_s_max / 60;
  }

 private:
  char letter_{};                 // of the key that signed last
  std::uint32_t rotated_min_{};   // 0: never
};

/// The keys by which a transaction began before a rotation. Shape: there is a second one.
[[nodiscard]] inline sip::SigningKeys before(const sip::SigningKeys& keys) { return {.keys = {keys.keys[1], keys.keys[0]}}; }

}  // namespace viaduct::edge
