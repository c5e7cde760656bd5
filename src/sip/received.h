// SPDX-License-Identifier: Apache-2.0
// The received and rport parameters of the topmost Via: finding those that came, writing ours. Replies and forwarded requests share it.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/base/dotted.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {

inline constexpr std::string_view received_name = ";received=";
inline constexpr std::string_view rport_name = ";rport=";
inline constexpr std::size_t port_text_bytes_max = 5;
inline constexpr std::size_t received_text_bytes_max = received_name.size() + base::address_text_bytes_max + rport_name.size() + port_text_bytes_max;
/// Room for `write_received`, with what a print may use behind its text.
using ReceivedText = std::array<char, 96>;
static_assert(received_text_bytes_max <= std::tuple_size_v<ReceivedText>);

/// Write `;received=ADDRESS;rport=PORT` of the place a request came from. Source: RFC 3261 18.2.1, RFC 3581 4.
[[nodiscard]] std::string_view write_received(const base::Endpoint& source, ReceivedText& out);

/// A port in decimal, and three octets more. No branch on how many digits it has: that changes from client to client.
inline char* put_port(std::uint32_t port, char* out) {
  const std::uint32_t rest = port % 10'000;
  const std::uint32_t pairs = rest / 100 | (rest % 100) << 16U;
  const std::uint32_t tens = pairs * 103 >> 10U & 0x000f000fU;  // exact below 100
  const std::uint64_t digits = std::uint64_t{tens | (pairs - 10 * tens) << 8U} << 8U | port / 10'000;  // five, the first in the lowest octet
  constexpr std::uint64_t last_digit = 1ULL << 32U;
  const auto leading_zeros = static_cast<std::uint32_t>(std::countr_zero(digits | last_digit)) / 8;
  const std::uint64_t text = (digits + 0x3030303030U) >> 8 * leading_zeros;
  std::memcpy(out, &text, sizeof text);
  return out + port_text_bytes_max - leading_zeros;
}

/// The same as write_received straight into an output. Shape: `out` has the room of a ReceivedText. Returns the text's end.
[[nodiscard, gnu::always_inline]] inline char* put_received(const base::Endpoint& source, char* out) {
  std::memcpy(out, received_name.data(), received_name.size());
  out += received_name.size();
  if (source.address.is_v4()) [[likely]]
    out = base::put_dotted(source.address.v4_wire(), out);
  else
    out += source.address.print({out, base::address_text_bytes_max + 1});
  std::memcpy(out, rport_name.data(), rport_name.size());
  return put_port(source.port, out + rport_name.size());
}

/// A received or rport parameter from its semicolon up to the next one or the end of the value, counted from the value's start.
struct ReceivedParam {
  std::size_t begin;
  std::size_t end;
};

/// Finds the received and rport parameters of a Via value, one after the other; quoted strings hide what is in them.
/// Shape: `readable_end` is the end of what may be read, at or behind the value's end.
class ReceivedParams {
 public:
  ReceivedParams(std::string_view via, const char* readable_end) : via_(via), readable_end_(readable_end) {}
  /// The next one; false at the end.
  [[nodiscard]] bool next(ReceivedParam& out);

 private:
  std::size_t next_semicolon();
  void load();

  std::string_view via_;
  const char* readable_end_;
  std::size_t loaded_{};        // octets of the value that were looked at
  std::uint32_t marks_{};       // semicolons, quotes and backslashes of the last 32 of them that are still to be taken
  std::size_t semicolon_{std::string_view::npos};  // the last one found; npos before the first
  std::size_t escaped_{};       // the octet behind a backslash
  bool in_quotes_{};
};

/// The one received or rport of the top Via, from the parsed value; begin and end are the value's end when there is none.
/// False when there are several, or white space behind one: then ReceivedParams finds them.
[[nodiscard]] inline bool single_received_param(const Message& request, ReceivedParam& out) {
  const Via& top = request.top;
  if (top.repeats_routing || (top.has_received && top.has_rport)) return false;
  const std::string_view param = top.has_rport ? top.rport_param : top.received_param;
  const char* const value = request.text.data() + request.top_via.offset;
  out = {request.top_via.bytes, request.top_via.bytes};
  if (param.empty()) return true;
  out.begin = static_cast<std::size_t>(param.data() - value);
  const std::size_t end = out.begin + param.size();
  if (end != out.end && value[end] != ';') return false;
  out.end = end;
  return true;
}

/// True when a slice lies in header line `i`.
[[nodiscard]] inline bool line_holds(const Message& message, std::size_t i, Slice slice) {
  return slice.offset >= message.line[i] && slice.offset < message.line[i + 1];
}

}  // namespace viaduct::sip
