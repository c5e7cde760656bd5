// SPDX-License-Identifier: Apache-2.0
// Flow tokens: the user part of our own URIs in Path and Record-Route, by which requests come back to a client through us.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/base/borrow.h"
#include "viaduct/sip/token.h"

namespace viaduct::sip {

/// The client's side of a flow: who is reached, and through which of our listeners (RFC 5626 3.4, 5.2).
struct Flow {
  base::Endpoint client;
  base::Endpoint ours;        ///< the listener's
  std::uint8_t listener{};    ///< its number
};

/// A token taken apart; nothing of it is to be believed before it is genuine.
struct FlowToken {
  base::Endpoint client;
  std::uint8_t listener{};
  bool of_dialog{};           ///< from a Record-Route: it holds for one Call-ID; else from a Path
  char letter{};              ///< of the fleet key
  std::uint64_t mac{};
};

/// `p` or `r`, the key letter, the place in 13 (IPv4) or 33 (IPv6) letters of base32, and 13 of the MAC.
inline constexpr std::size_t flow_token_v4_bytes = 2 + 2 * base32_64_bytes;
inline constexpr std::size_t flow_token_v6_bytes = 2 + 3 * base32_64_bytes + base32_32_bytes;
inline constexpr std::size_t flow_token_bytes_max = flow_token_v6_bytes;

/// Write the token of a flow, for a Path when `call_id` is empty, else for a Record-Route in the dialog with that Call-ID. Returns octets written.
/// Thread: any; pure. Source: RFC 5626 5.2.
[[nodiscard]] std::size_t write_flow_token(const Flow& flow, std::string_view call_id, const SigningKey& key, std::span<char, flow_token_bytes_max> out);

/// Errors: nullopt when the text has not the shape of a token.
[[nodiscard]] std::optional<FlowToken> read_flow_token(std::string_view text);
template <base::PassingString Text>
std::optional<FlowToken> read_flow_token(Text&& text) = delete;

/// True when a key of the fleet made the token for the listener at `ours`, and for that Call-ID if it is one of a dialog.
[[nodiscard]] bool is_genuine(const FlowToken& token, const base::Endpoint& ours, std::string_view call_id, const SigningKeys& keys);

}  // namespace viaduct::sip
