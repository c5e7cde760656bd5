// SPDX-License-Identifier: Apache-2.0
// One Via value taken apart: protocol, transport, sent-by and the parameters that routing needs.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/base/borrow.h"
#include "viaduct/sip/bad.h"

namespace viaduct::sip {

/// A Via value. The texts borrow from the value that was parsed.
struct Via {
  std::string_view transport;       ///< UDP, TCP, ... as written
  std::string_view host;            ///< of sent-by, brackets of an IPv6 reference included
  std::uint16_t port{};             ///< of sent-by; 0 when absent
  std::string_view sent_by;         ///< host and port as written
  std::string_view branch;          ///< empty when absent
  std::string_view received;        ///< value; empty when absent
  std::string_view maddr;           ///< value; empty when absent
  std::string_view rport;           ///< value; empty when absent or without a value
  bool has_rport{};                 ///< ;rport with or without a value
  bool has_received{};
  std::string_view rport_param;     ///< the first rport whole: from its ';' to the end of its value; empty when absent
  std::string_view received_param;  ///< the first received, the same way
  bool repeats_routing{};           ///< a second rport or received follows
};

/// Take one Via value apart.
/// Shape:  value as Message::top_via or next_value gives it.
/// Errors: Bad::via_syntax. Tolerated: LWS round `/`, `:`, `;`, `=`; a bracketed `received` (RFC 5118 4.5); three colons (RFC 5118 4.10).
/// Thread: any; pure. Source: RFC 3261 20.42, 25.1 via-parm; RFC 3581 3.
[[nodiscard]] std::expected<Via, Bad> parse_via(std::string_view value);
template <base::PassingString Text>
std::expected<Via, Bad> parse_via(Text&& value) = delete;

/// Where a response whose next Via is this one must go: maddr is never followed to a multicast address; received and rport first, else sent-by.
/// Errors: nullopt when it names a host that is no address, or an unusable address.
/// Source: RFC 3261 18.2.2, RFC 3581 4.
[[nodiscard]] std::optional<base::Endpoint> response_destination(const Via& via);

}  // namespace viaduct::sip
