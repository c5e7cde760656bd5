// SPDX-License-Identifier: Apache-2.0
// STUN binding requests on the SIP port, by which a client keeps its NAT open and learns its address from outside. Pure; one datagram at a time.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "viaduct/base/address.h"

namespace viaduct::net {

/// Octets of the longest answer: a header and an IPv6 address, or an error with a few unknown attributes.
inline constexpr std::size_t stun_answer_bytes_max = 64;

/// True for a STUN binding request: type, magic cookie, and a length that is the datagram's. (A request of RFC 3489, without the cookie, is none.)
/// Source: RFC 5389 6, 7.3; RFC 5626 8.
[[nodiscard]] bool is_stun_binding_request(std::string_view datagram);

/// Write the answer: XOR-MAPPED-ADDRESS of the source; or error 420 with what attributes must be understood and are not.
/// Shape: is_stun_binding_request(request). Returns octets written; 0 when its attributes are not well-formed: such a request is dropped (RFC 5389 7.3).
/// Source: RFC 5389 7.3.1, 15.2, 15.6, 15.9.
[[nodiscard]] std::size_t write_stun_answer(std::string_view request, const base::Endpoint& source, std::span<char, stun_answer_bytes_max> out);

}  // namespace viaduct::net
