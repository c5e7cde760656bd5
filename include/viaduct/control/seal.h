// SPDX-License-Identifier: Apache-2.0
// What proves that a call over HTTP comes from a node of the fleet, and its answer from the node that was called: a MAC under a fleet key. No I/O.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "viaduct/sip/token.h"

namespace viaduct::control {

/// The header that bears it: `LETTER.TIME.NONCE.MAC`; TIME in seconds since 1970, NONCE 32 hexadecimal digits, MAC the 64 of HMAC-SHA-256 under the fleet key of
/// that letter over `viaduct call`, method, target, TIME and NONCE, each with a line feed behind it, and the body. In an answer it is the MAC alone, over
/// `viaduct answer`, the call's NONCE and the status, each with a line feed behind it, and the body.
inline constexpr std::string_view seal_header = "X-Viaduct-Seal";

struct Call {
  std::string_view method;
  std::string_view target;
  std::string_view body;
};
struct CallAnswer {
  int status{};
  std::string_view body;
};

/// The seal of a call, with a nonce of its own, by the key that signs.
[[nodiscard]] std::string seal(const Call& call, std::uint64_t wall_s, const sip::SigningKeys& keys);
/// The seal of an answer to the call that was sealed so. Shape: the call's seal was found genuine.
[[nodiscard]] std::string seal(const CallAnswer& answer, std::string_view call_seal, const sip::SigningKeys& keys);
[[nodiscard]] bool is_genuine(const CallAnswer& answer, std::string_view answer_seal, std::string_view call_seal, const sip::SigningKeys& keys);

/// Why a call is not heard.
enum class Unheard : std::uint8_t { unsealed, forged, out_of_time, repeated, crowded };
[[nodiscard]] std::string_view sentence(Unheard why);

/// A moment by both clocks: the wall's says how old a call is, the other, which nobody sets, how long this node has listened and remembers.
struct Moment {
  std::uint64_t wall_s{};  ///< seconds since 1970
  std::uint64_t monotonic_ms{};  ///< since some moment before
};
[[nodiscard]] Moment this_moment();

/// Hears each genuine call once. Thread: any.
class Gate {
 public:
  /// Calls that are older than the time since `opened` are not heard, since nobody knows which of them were.
  explicit Gate(Moment opened) : opened_ms_(opened.monotonic_ms) {}
  [[nodiscard]] std::expected<void, Unheard> hear(const Call& call, std::string_view call_seal, Moment now, const sip::SigningKeys& keys);

 private:
  const std::uint64_t opened_ms_;
  std::mutex mutex_;
  std::unordered_set<std::string> heard_;  // nonces
  std::deque<std::pair<std::uint64_t, std::string>> forget_;  // when each was heard, by the monotonic clock
};

}  // namespace viaduct::control
