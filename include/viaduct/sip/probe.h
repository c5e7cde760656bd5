// SPDX-License-Identifier: Apache-2.0
// An OPTIONS of this node's own, outside a dialog: what asks a server whether it is alive.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace viaduct::sip {

/// What it says. Nothing is checked.
struct Probe {
  std::string_view request_uri;   ///< and To
  std::string_view via;           ///< whole value: `SIP/2.0/UDP host:port;branch=...;rport`
  std::string_view from;          ///< URI
  std::string_view from_tag;
  std::string_view call_id;
  std::uint32_t cseq{};
};

/// Write it. Returns octets, 0 when it does not fit; nothing behind them is touched.
/// Thread: any; pure. Source: RFC 3261 8.1.1, 11.1.
[[nodiscard]] std::size_t write_probe(const Probe& probe, std::span<char> out);

}  // namespace viaduct::sip
