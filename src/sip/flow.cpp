// SPDX-License-Identifier: Apache-2.0
// Flow tokens written, read, and verified.
#include "viaduct/sip/flow.h"

#include <bit>

#include "base32.h"
#include "label.h"
#include "viaduct/base/aes_hash.h"

namespace viaduct::sip {
namespace {

constexpr char path_letter = 'p';
constexpr char record_route_letter = 'r';
constexpr std::size_t place_at = 2;

std::uint64_t flow_mac(const Flow& flow, std::string_view call_id, const SigningKey& key) {
  const Label label = call_id.empty() ? Label::path : Label::record_route;
  const std::uint32_t ports = std::uint32_t{flow.client.port} << 16 | flow.ours.port;
  base::AesHasher hash(key.hash_key, call_id.data(), number(label), ports, call_id);
  const auto client = flow.client.address.words(), ours = flow.ours.address.words();
  hash.numbers(client[0], client[1]);
  hash.numbers(ours[0], ours[1]);
  hash.numbers(flow.listener, 0);
  return key.mac.mac64(hash.unencrypted());
}

/// Port and listener; an IPv4 address stands above them.
constexpr std::uint32_t port_and_listener(std::uint16_t port, std::uint8_t listener) { return std::uint32_t{port} << 8 | listener; }
constexpr unsigned address_shift = 24;

char* put_place(const Flow& flow, char* at) {
  const std::uint32_t low = port_and_listener(flow.client.port, flow.listener);
  if (flow.client.address.is_v4()) {
    put_64(std::uint64_t{flow.client.address.v4_wire()} << address_shift | low, at);
    return at + base32_64_bytes;
  }
  const auto words = flow.client.address.words();
  put_64(words[0], at);
  put_64(words[1], at + base32_64_bytes);
  put_32(low, at + 2 * base32_64_bytes);
  return at + 2 * base32_64_bytes + base32_32_bytes;
}

/// The numbers of a place's letters; false when they are none.
bool read_place(std::string_view text, FlowToken& out) {
  const bool is_v4 = text.size() == base32_64_bytes;
  const auto first = read_base32(text.substr(0, base32_64_bytes));
  const auto second = is_v4 ? first : read_base32(text.substr(base32_64_bytes, base32_64_bytes));
  const auto low = is_v4 ? first : read_base32(text.substr(2 * base32_64_bytes));
  if (!first || !second || !low || *low >> (is_v4 ? address_shift + 32 : address_shift) != 0) return false;
  out.client.address = is_v4 ? base::Address::v4(static_cast<std::uint32_t>(*first >> address_shift))
                             : base::Address::v6(std::bit_cast<std::array<std::uint8_t, 16>>(std::array{*first, *second}));
  out.client.port = static_cast<std::uint16_t>(*low >> 8);
  out.listener = static_cast<std::uint8_t>(*low);
  return true;
}

}  // namespace

std::size_t write_flow_token(const Flow& flow, std::string_view call_id, const SigningKey& key, std::span<char, flow_token_bytes_max> out) {
  out[0] = call_id.empty() ? path_letter : record_route_letter;
  out[1] = key.letter;
  char* const mac = put_place(flow, out.data() + place_at);
  put_64(flow_mac(flow, call_id, key), mac);
  return static_cast<std::size_t>(mac - out.data()) + base32_64_bytes;
}

std::optional<FlowToken> read_flow_token(std::string_view text) {
  if (text.size() != flow_token_v4_bytes && text.size() != flow_token_v6_bytes) return std::nullopt;
  if (text[0] != path_letter && text[0] != record_route_letter) return std::nullopt;
  const std::size_t mac_at = text.size() - base32_64_bytes;
  FlowToken token{.of_dialog = text[0] == record_route_letter, .letter = text[1]};
  const auto mac = read_base32(text.substr(mac_at));
  if (!mac || !read_place(text.substr(place_at, mac_at - place_at), token)) return std::nullopt;
  token.mac = *mac;
  return token;
}

bool is_genuine(const FlowToken& token, const base::Endpoint& ours, std::string_view call_id, const SigningKeys& keys) {
  const SigningKey* const key = keys.by_letter(token.letter);
  if (key == nullptr) return false;
  const Flow flow{.client = token.client, .ours = ours, .listener = token.listener};
  return flow_mac(flow, token.of_dialog ? call_id : std::string_view{}, *key) == token.mac;
}

}  // namespace viaduct::sip
