// SPDX-License-Identifier: Apache-2.0
// Branches, To tags and home proofs: made from a message and a fleet key, verified from the message alone.
#include "viaduct/sip/token.h"

#include <immintrin.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "branch.h"
#include "label.h"
#include "viaduct/base/aes_hash.h"
#include "viaduct/base/check.h"

namespace viaduct::sip {
namespace {

/// Octets of the message, without the checks of a text's own.
std::string_view octets(const Message& message, Slice s) { return {message.text.data() + s.offset, s.bytes}; }

/// A key of its own for each use of a fleet key: two halves, each the MAC of a block that names use and half.
/// Source: NIST SP 800-108 4.1, counter mode with CMAC.
base::Key128 derived(const base::Key128& fleet_key, char use) {
  const base::AesMac mac(fleet_key);
  std::array<std::uint8_t, 16> block = {'v', 'i', 'a', 'd', 'u', 'c', 't', ' ', 'k', 'e', 'y', ' ', static_cast<std::uint8_t>(use)};
  base::Key128 out;
  for (std::uint8_t half = 0; half < 2; ++half) {
    block[15] = half;
    const std::uint64_t bits = mac.mac64(std::bit_cast<base::Hash128>(block));
    std::memcpy(out.data() + 8 * half, &bits, sizeof bits);
  }
  return out;
}

/// The beginning of what T and M are made from: what a response brings back of its request.
[[gnu::always_inline]] inline base::AesHasher transaction_hash(const Message& m, const SigningKey& key) {
  return {key.hash_key, m.text.data(), number(Label::transaction), m.cseq_number, octets(m, m.call_id), octets(m, m.from_tag)};
}

/// The beginning of what T and L are made from.
[[gnu::always_inline]] inline base::AesHasher target_hash(const Message& m, const SigningKey& key) {
  return {key.hash_key, m.text.data(), number(Label::target), 0, octets(m, m.request_uri)};
}

/// The Routes and Proxy-Require of a request, in their order.
[[gnu::noinline]] base::AesHasher with_routes(base::AesHasher hash, const Message& request, bool with_proxy_require) {
  for (std::size_t i = 0; i < request.headers; ++i) {
    if (request.id[i] == HeaderId::route) hash.pieces(number(Label::route), 0, request.header_value(i));
    if (request.id[i] == HeaderId::proxy_require && with_proxy_require) hash.pieces(number(Label::proxy_require), 0, request.header_value(i));
  }
  return hash;
}

/// L: the target with the direction, the Routes and Proxy-Require.
[[gnu::always_inline]] inline std::uint32_t loop_part(base::AesHasher target, const Message& request, Direction direction) {
  target.numbers(number(Label::loop), std::to_underlying(direction));
  // RFC 3261 8.2.2.3: neither an ACK nor a CANCEL carries Proxy-Require, and their branch must equal their INVITE's.
  const bool with_proxy_require = request.method != Method::invite && request.method != Method::ack && request.method != Method::cancel;
  if (request.has(HeaderId::route) || (with_proxy_require && request.has(HeaderId::proxy_require))) target = with_routes(target, request, with_proxy_require);
  return static_cast<std::uint32_t>(target.finish().low);
}

/// The second half of the block that ends what M is made from.
constexpr std::uint64_t loop_and_letter(std::uint32_t l, char letter) { return l | std::uint64_t{static_cast<std::uint8_t>(letter)} << 32; }

/// M: the MAC over T, L, the transaction's beginning and the place that the response will be sent to. Two blocks: a home proof has one.
[[gnu::always_inline]] inline std::uint64_t branch_mac(base::AesHasher transaction, std::uint64_t t, std::uint32_t l, const base::Endpoint& place,
                                                       const SigningKey& key) {
  const auto address = std::bit_cast<std::array<std::uint64_t, 2>>(place.address.octets());
  base::AesHasher goes_to(key.hash_key, nullptr, number(Label::place), place.port);
  goes_to.numbers(address[0], address[1]);
  transaction.hash(goes_to);
  return key.mac.mac64(transaction.unencrypted(), base::Hash128{t, loop_and_letter(l, key.letter)});
}

/// The letters of branches of our own, one for each that a fleet key may have.
constexpr std::string_view own_letters = "0123456789qrstuv";
char own_letter(char fleet_letter) { return own_letters[static_cast<std::size_t>(fleet_letter - 'a')]; }

/// Two blocks, as of a branch that is handed on, which the letter tells from this one.
std::uint64_t own_mac(const OwnRequest& request, std::uint32_t cseq, const SigningKey& key) {
  return key.mac.mac64(base::Hash128{cseq, 0}, base::Hash128{request.id, loop_and_letter(request.sender, own_letter(key.letter))});
}

struct LetterValues {
  std::array<std::uint8_t, 256> value;
  constexpr LetterValues() {
    value.fill(0xff);
    for (std::size_t i = 0; i < base32_letters.size(); ++i) value[static_cast<unsigned char>(base32_letters[i])] = static_cast<std::uint8_t>(i);
  }
};
constexpr LetterValues letter_values;

/// Hex digits, all of `text`.
std::optional<std::uint32_t> read_hex(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The text before the next dot, taken off `rest` with the dot.
std::optional<std::string_view> take_to_dot(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  if (dot == rest.npos) return std::nullopt;
  const std::string_view out = rest.substr(0, dot);
  rest.remove_prefix(dot + 1);
  return out;
}

std::uint64_t home_proof_mac(const HomeProof& proof, const ClientKey& client, std::string_view home_name, const SigningKey& key) {
  base::AesHasher hash(key.hash_key, home_name.data(), number(Label::home_proof), proof.epoch, home_name);
  hash.numbers(client.low, client.high);
  hash.numbers(proof.expires_min, 0);
  return key.mac.mac64(hash.unencrypted());
}

}  // namespace

SigningKey::SigningKey(char name, const base::Key128& key) : letter(name), hash_key(derived(key, 'h')), mac(derived(key, 'm')), fleet_key(key) {
  base::check(letter >= 'a' && letter <= 'p', "a fleet key is named by a letter from a to p");
}

const SigningKey* SigningKeys::by_letter(char letter) const {
  for (const auto& key : keys)
    if (key && key->letter == letter) return &*key;
  return nullptr;
}

std::uint32_t loop_part(const Message& request, Direction direction, const SigningKey& key) { return loop_part(target_hash(request, key), request, direction); }

namespace {

/// The branches of as many requests as there are indices, step by step for all.
template <std::size_t... I>
[[gnu::always_inline]] inline void make_branches(std::index_sequence<I...> /*indices*/, const BranchOf* of, const SigningKey& key, Branch* out) {
  const base::AesHasher transaction[] = {transaction_hash(*of[I].request, key)...};
  const base::AesHasher target[] = {target_hash(*of[I].request, key)...};
  base::AesHasher via[] = {base::AesHasher(key.hash_key, of[I].request->text.data(), number(Label::via), 0, of[I].top->branch, of[I].top->sent_by)...};
  (via[I].hash(target[I]), ...);
  base::AesHasher whole[] = {transaction[I]...};
  (whole[I].hash(via[I]), ...);
  const std::uint64_t t[] = {whole[I].finish().low...};
  const std::uint32_t l[] = {loop_part(target[I], *of[I].request, of[I].direction)...};
  ((out[I] = {.letter = key.letter, .t = t[I], .l = l[I], .m = branch_mac(transaction[I], t[I], l[I], *of[I].response_goes_to, key)}), ...);
}

}  // namespace

void make_branches(std::span<const BranchOf> requests, const SigningKeys& keys, std::span<Branch> out) {
  const SigningKey& key = keys.signing();
  std::size_t i = 0;
  for (; i + 2 <= requests.size(); i += 2) make_branches(std::make_index_sequence<2>{}, requests.data() + i, key, out.data() + i);
  for (; i < requests.size(); ++i) make_branches(std::make_index_sequence<1>{}, requests.data() + i, key, out.data() + i);
}

Branch make_branch(const Message& request, const Via& top, Direction direction, const base::Endpoint& response_goes_to, const SigningKeys& keys) {
  Branch branch;
  const BranchOf of{&request, &top, direction, &response_goes_to};
  make_branches(std::index_sequence<0>{}, &of, keys.signing(), &branch);
  return branch;
}

BranchText branch_text(const Branch& branch) {
  BranchText out;
  put_branch(branch, out.data());
  return out;
}

bool verify_branch(std::string_view branch, const Message& response, const base::Endpoint& response_goes_to, const SigningKeys& keys) {
  if (branch.size() != branch_bytes || !branch.starts_with(magic_cookie)) return false;
  const SigningKey* const key = keys.by_letter(branch[letter_at]);
  const auto t = read_base32(branch.substr(t_at, base32_64_bytes));
  const auto l = read_base32(branch.substr(l_at, base32_32_bytes));
  const auto m = read_base32(branch.substr(m_at, base32_64_bytes));
  if (key == nullptr || !t || !l || !m) return false;
  return branch_mac(transaction_hash(response, *key), *t, static_cast<std::uint32_t>(*l), response_goes_to, *key) == *m;
}

Branch own_branch(const OwnRequest& request, std::uint32_t cseq, const SigningKeys& keys) {
  const SigningKey& key = keys.signing();
  return {.letter = own_letter(key.letter), .t = request.id, .l = request.sender, .m = own_mac(request, cseq, key)};
}

std::optional<OwnRequest> verify_own_branch(std::string_view branch, std::uint32_t cseq, const SigningKeys& keys) {
  if (branch.size() != branch_bytes || !branch.starts_with(magic_cookie)) return std::nullopt;
  const std::size_t letter = own_letters.find(branch[letter_at]);
  const SigningKey* const key = letter != own_letters.npos ? keys.by_letter(static_cast<char>('a' + letter)) : nullptr;
  const auto t = read_base32(branch.substr(t_at, base32_64_bytes));
  const auto l = read_base32(branch.substr(l_at, base32_32_bytes));
  const auto m = read_base32(branch.substr(m_at, base32_64_bytes));
  if (key == nullptr || !t || !l || !m) return std::nullopt;
  const OwnRequest request{.id = *t, .sender = static_cast<std::uint32_t>(*l)};
  return own_mac(request, cseq, *key) == *m ? std::optional(request) : std::nullopt;
}

std::optional<std::uint32_t> loop_part_of(std::string_view branch) {
  if (branch.size() != branch_bytes || !branch.starts_with(magic_cookie)) return std::nullopt;
  const auto l = read_base32(branch.substr(l_at, base32_32_bytes));
  if (!l) return std::nullopt;
  return static_cast<std::uint32_t>(*l);
}

Marks marks(const Message& request, const Via& top, const SigningKey& key) {
  const char* const begin = request.text.data();
  const base::AesHasher call(key.hash_key, begin, number(Label::call), 0, octets(request, request.call_id));
  base::AesHasher tag(key.hash_key, begin, number(Label::reply_tag), request.cseq_number, octets(request, request.from_tag), top.branch);
  tag.hash(call);
  return {.call = call.hidden().low, .reply_tag = tag.finish().low};
}

bool is_reply_tag(const Message& request, const Via& top, const SigningKeys& keys) {
  const auto tag = request.to_tag.bytes == base32_64_bytes ? read_base32(request[request.to_tag]) : std::nullopt;
  if (!tag) return false;
  for (const auto& key : keys.keys)
    if (key && reply_tag(request, top, *key) == *tag) return true;
  return false;
}

std::size_t write_home_proof(const HomeProof& proof, const ClientKey& client, std::string_view home_name, const SigningKey& key,
                             std::span<char, home_proof_bytes_max> out) {
  char* const end = out.data() + out.size();
  char* at = std::to_chars(out.data(), end, proof.epoch, 16).ptr;
  *at++ = '.';
  at = std::to_chars(at, end, proof.expires_min, 16).ptr;
  *at++ = '.';
  *at++ = key.letter;
  write_base32(home_proof_mac(proof, client, home_name, key), std::span<char, base32_64_bytes>(at, base32_64_bytes));
  return static_cast<std::size_t>(at - out.data()) + base32_64_bytes;
}

std::optional<HomeProof> verify_home_proof(std::string_view text, const ClientKey& client, std::string_view home_name, std::uint32_t now_min,
                                           const SigningKeys& keys) {
  const auto epoch_text = take_to_dot(text);
  const auto expires_text = take_to_dot(text);
  if (!epoch_text || !expires_text || text.size() != 1 + base32_64_bytes) return std::nullopt;
  const auto epoch = read_hex(*epoch_text);
  const auto expires = read_hex(*expires_text);
  const auto mac = read_base32(text.substr(1));
  const SigningKey* const key = keys.by_letter(text[0]);
  if (!epoch || !expires || !mac || key == nullptr || *expires <= now_min) return std::nullopt;
  const HomeProof proof{*epoch, *expires};
  if (home_proof_mac(proof, client, home_name, *key) != *mac) return std::nullopt;
  return proof;
}

std::uint32_t proof_expiry(std::uint32_t now_min) { return (now_min + 19) / 10 * 10; }

void write_base32(std::uint64_t value, std::span<char, base32_64_bytes> out) { put_64(value, out.data()); }
void write_base32(std::uint32_t value, std::span<char, base32_32_bytes> out) { put_32(value, out.data()); }

std::optional<std::uint64_t> read_base32(std::string_view text) {
  if (text.size() != base32_64_bytes && text.size() != base32_32_bytes) return std::nullopt;
  std::uint64_t value = 0;
  std::uint8_t seen = 0;
  for (const char c : text) {
    const std::uint8_t five = letter_values.value[static_cast<unsigned char>(c)];
    seen |= five;
    value = value << 5 | (five & 31);
  }
  // 13 letters have room for one bit more than 64, 7 for three more than 32.
  const std::uint8_t first = letter_values.value[static_cast<unsigned char>(text[0])];
  const bool fits = first < (text.size() == base32_64_bytes ? 16 : 4);
  if (seen > 31 || !fits) return std::nullopt;
  return value;
}

}  // namespace viaduct::sip
