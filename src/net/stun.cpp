// SPDX-License-Identifier: Apache-2.0
// STUN answers.
#include "viaduct/net/stun.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "wire.h"

namespace viaduct::net {
namespace {

// RFC 5389 6, 15, 18: numbers on the wire.
constexpr std::uint16_t binding_request = 0x0001, binding_success = 0x0101, binding_error = 0x0111;
constexpr std::uint16_t attribute_error_code = 0x0009, attribute_unknown = 0x000a, attribute_xor_mapped = 0x0020;
constexpr std::uint32_t magic_cookie = 0x2112a442;
constexpr std::size_t header_bytes = 20, attribute_header_bytes = 4;
constexpr std::uint16_t comprehension_optional = 0x8000;
// Those that a server knows which asks for no credentials: USERNAME, MESSAGE-INTEGRITY, REALM, NONCE.
constexpr std::array<std::uint16_t, 4> known_attributes = {0x0006, 0x0008, 0x0014, 0x0015};
// A client with more attributes that nobody knows may ask again without these.
constexpr std::size_t unknown_max = 8;

const std::uint8_t* octets(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

/// Attributes that must be understood and are not.
struct Unknown {
  std::array<std::uint16_t, unknown_max> type;
  std::size_t count{};
};

/// False when the attributes do not fill the request. Each step takes four octets at least of a datagram.
bool find_unknown(std::string_view request, Unknown& out) {
  const std::uint8_t* at = octets(request) + header_bytes;
  const std::uint8_t* const end = octets(request) + request.size();
  while (at != end) {
    if (static_cast<std::size_t>(end - at) < attribute_header_bytes) return false;
    const std::uint16_t type = load16(at);
    const std::size_t bytes = attribute_header_bytes + (load16(at + 2) + std::size_t{3}) / 4 * 4;
    if (static_cast<std::size_t>(end - at) < bytes) return false;
    if (type < comprehension_optional && std::ranges::find(known_attributes, type) == known_attributes.end() && out.count < unknown_max)
      out.type[out.count++] = type;
    at += bytes;
  }
  return true;
}

std::uint8_t* put_xor_mapped(const base::Endpoint& source, const std::uint8_t* cookie_and_id, std::uint8_t* at) {
  const bool is_v4 = source.address.is_v4();
  const std::size_t address_at = is_v4 ? 12 : 0, address_bytes = is_v4 ? 4 : 16;
  store16(at, attribute_xor_mapped);
  store16(at + 2, static_cast<std::uint16_t>(4 + address_bytes));
  at[4] = 0;
  at[5] = is_v4 ? 1 : 2;
  store16(at + 6, static_cast<std::uint16_t>(source.port ^ magic_cookie >> 16));
  for (std::size_t i = 0; i < address_bytes; ++i) at[8 + i] = source.address.octets()[address_at + i] ^ cookie_and_id[i];
  return at + 8 + address_bytes;
}

std::uint8_t* put_error(const Unknown& unknown, std::uint8_t* at) {
  constexpr std::array<std::uint8_t, 8> error_420 = {0, attribute_error_code, 0, 4, 0, 0, 4, 20};
  at = std::ranges::copy(error_420, at).out;
  store16(at, attribute_unknown);
  store16(at + 2, static_cast<std::uint16_t>(2 * unknown.count));
  at += attribute_header_bytes;
  for (std::size_t i = 0; i < unknown.count; ++i, at += 2) store16(at, unknown.type[i]);
  if (unknown.count % 2 == 0) return at;
  store16(at, 0);
  return at + 2;
}
static_assert(header_bytes + 8 + 16 <= stun_answer_bytes_max && header_bytes + 8 + attribute_header_bytes + 2 * unknown_max <= stun_answer_bytes_max);

}  // namespace

bool is_stun_binding_request(std::string_view datagram) {
  if (datagram.size() < header_bytes || datagram.size() % 4 != 0) return false;
  const std::uint8_t* h = octets(datagram);
  return load16(h) == binding_request && load16(h + 2) == datagram.size() - header_bytes && load16(h + 4) == magic_cookie >> 16 &&
         load16(h + 6) == (magic_cookie & 0xffff);
}

std::size_t write_stun_answer(std::string_view request, const base::Endpoint& source, std::span<char, stun_answer_bytes_max> out) {
  Unknown unknown;
  if (!find_unknown(request, unknown)) return 0;
  auto* const h = reinterpret_cast<std::uint8_t*>(out.data());
  std::memcpy(h, request.data(), header_bytes);
  store16(h, unknown.count == 0 ? binding_success : binding_error);
  std::uint8_t* const body = h + header_bytes;
  const std::uint8_t* const end = unknown.count == 0 ? put_xor_mapped(source, h + 4, body) : put_error(unknown, body);
  store16(h + 2, static_cast<std::uint16_t>(end - body));
  return static_cast<std::size_t>(end - h);
}

}  // namespace viaduct::net
