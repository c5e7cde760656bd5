// SPDX-License-Identifier: Apache-2.0
// The canonical form of an address-of-record, the one name of a client everywhere.
#include "uri.h"

#include <cstring>
#include <utility>

#include "viaduct/base/append.h"

namespace viaduct::sip {
namespace {

constexpr std::uint16_t sip_port = 5060;
constexpr std::uint16_t sips_port = 5061;

using base::SipText;
static_assert(sizeof(SipText::room) == 2 * vector_bytes);

__m256i load(const char* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
__m128i load_half(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
void store(char* at, __m256i octets) { _mm256_store_si256(reinterpret_cast<__m256i*>(at), octets); }

/// So many octets of zero and as many of `c`: a load from the middle less n gives n zeros first.
template <char c>
alignas(32) constexpr auto from_zero_to = [] {
  std::array<char, 4 * vector_bytes> out{};
  for (std::size_t i = out.size() / 2; i < out.size(); ++i) out[i] = c;
  return out;
}();

/// What a SipText has in vector `v` behind its octets: zeros, and their number at the end of the last word.
inline __m256i number_of(std::size_t v, std::size_t bytes) {
  alignas(32) static constexpr auto places = [] {
    std::array<std::uint8_t, 2 * vector_bytes> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
    return out;
  }();
  const __m256i here = _mm256_load_si256(reinterpret_cast<const __m256i*>(places.data() + v * vector_bytes));
  const __m256i is_last = _mm256_cmpeq_epi8(here, _mm256_set1_epi8(static_cast<char>(bytes | 7)));
  return _mm256_and_si256(is_last, _mm256_set1_epi8(static_cast<char>(bytes)));
}

/// Octets of vector `v` with what lies behind the '@' in lower case and what lies behind `bytes` as a SipText has it. There an octet of a host
/// without the bit that tells the cases apart is a capital or the underscore.
inline __m256i canonical(std::size_t v, __m256i octets, std::size_t user, std::size_t bytes) {
  const std::size_t middle = (2 + v) * vector_bytes;
  const __m256i lower_case = load(from_zero_to<0x20>.data() + middle - user - 1);
  const __m256i behind = load(from_zero_to<-1>.data() + middle - bytes);
  const __m256i underscores = _mm256_cmpeq_epi8(octets, _mm256_set1_epi8('_'));
  const __m256i text = _mm256_andnot_si256(behind, _mm256_or_si256(octets, _mm256_andnot_si256(underscores, lower_case)));
  return _mm256_or_si256(text, number_of(v, bytes));
}

/// `user@host` from so many vectors at `at`. Shape: `bytes` is less than their octets. Returns where the host begins; 0 when it is none.
template <std::size_t... v>
[[gnu::always_inline]] inline std::size_t take_vectors(const char* at, std::size_t bytes, SipText& out, std::index_sequence<v...>) {
  const std::uint64_t not_user = (... | (std::uint64_t{others<user_octet>(load(at + v * vector_bytes))} << v * vector_bytes));
  const std::uint64_t not_host = (... | (std::uint64_t{others<host_octet>(load(at + v * vector_bytes))} << v * vector_bytes));
  const std::size_t user = _tzcnt_u64(not_user);
  if (user == 0 || user + 1 >= bytes || at[user] != '@') return 0;
  if (_bzhi_u64(not_host, static_cast<std::uint32_t>(bytes)) >> user != 1 || at[bytes - 1] == '.') return 0;  // from there on only the '@' is not of a host
  (store(out.room.data() + v * vector_bytes, canonical(v, load(at + v * vector_bytes), user, bytes)), ...);
  out.bytes = bytes;
  return user + 1;
}

/// Octets near the end of what may be read, with zeros behind them.
[[gnu::noinline]] const char* copied(const char* at, std::size_t bytes, SipText& room) {
  room.room.fill(0);
  std::memcpy(room.room.data(), at, bytes);
  return room.room.data();
}

/// The word of up to eight octets, the first in the lowest bits.
constexpr std::uint64_t word_of(std::string_view text) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < text.size(); ++i) word |= std::uint64_t{static_cast<std::uint8_t>(text[i])} << 8 * i;
  return word;
}

/// The canonical form of `sip:user@host` with nothing to decode, and at most the usual port behind the host: nearly every telephone's.
/// Returns where the host begins; 0 for every other form. Reads nothing from `readable_end` on.
[[gnu::always_inline]] inline std::size_t take_plain(std::string_view uri, const char* readable_end, SipText& out) {
  constexpr std::size_t scheme_bytes = 4;
  constexpr std::string_view port = ":5060";
  if (uri.size() < 8 || uri.size() > scheme_bytes + SipText::bytes_max) [[unlikely]]
    return 0;
  std::uint32_t scheme;
  std::memcpy(&scheme, uri.data(), sizeof scheme);
  if ((scheme | 0x00202020U) != word_of("sip:")) [[unlikely]]
    return 0;
  const char* at = uri.data() + scheme_bytes;
  std::size_t bytes = uri.size() - scheme_bytes;
  // `sip:5060` has the scheme's colon there, and no port.
  const bool has_port = bytes > port.size() && base::load_word(uri.data() + uri.size() - 8) >> 8 * (8 - port.size()) == word_of(port);
  bytes -= has_port ? port.size() : 0;
  const bool is_short = bytes < vector_bytes;
  if (readable_end - at < static_cast<std::ptrdiff_t>(is_short ? vector_bytes : 2 * vector_bytes)) [[unlikely]]
    at = copied(at, bytes, out);
  return is_short ? take_vectors(at, bytes, out, std::index_sequence<0>{}) : take_vectors(at, bytes, out, std::index_sequence<0, 1>{});
}

/// Equal octets of two texts of one length; names of 8 to 32 octets without a call, by two loads that overlap.
inline bool equal_octets(const char* a, const char* b, std::size_t bytes) {
  if (bytes < 8 || bytes > vector_bytes) [[unlikely]]
    return std::memcmp(a, b, bytes) == 0;
  if (bytes <= 16) return ((base::load_word(a) ^ base::load_word(b)) | (base::load_word(a + bytes - 8) ^ base::load_word(b + bytes - 8))) == 0;
  const auto difference = [&](std::size_t at) { return _mm_xor_si128(load_half(a + at), load_half(b + at)); };
  const __m128i either = _mm_or_si128(difference(0), difference(bytes - 16));
  return _mm_testz_si128(either, either) != 0;
}

/// A served domain, letter by letter as it is configured.
inline bool serves_exactly(const Domains& domains, std::string_view host) {
  for (const std::string& name : domains.served)
    if (name.size() == host.size() && equal_octets(name.data(), host.data(), host.size())) return true;
  return false;
}

/// The served domain that a host in lower case stands for, or the host itself.
std::string_view mapped(const Domains& domains, std::string_view host) {
  for (const auto& [alias, served] : domains.aliases)
    if (alias == host) return served;
  return host;
}

/// An octet of a user part: raw where it may stand so, else %HH in upper case.
void append_user_octet(unsigned octet, base::Append& out) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  const char c = static_cast<char>(octet);
  if (user_octet.has(c))
    out << c;
  else
    out << '%' << hex[octet >> 4U] << hex[octet & 15U];
}

/// A user part with each %HH decoded first.
bool append_user(std::string_view user, base::Append& out) {
  while (!user.empty()) {
    const int octet = take_unescaped(user);
    if (octet < 0) return false;
    append_user_octet(static_cast<unsigned>(octet), out);
  }
  return true;
}

/// Host and port: lower case, no trailing dot, RFC 5952, no default port, aliases mapped.
bool append_host(const Uri& uri, const Domains& domains, base::Append& out) {
  if (uri.host.starts_with('[')) {
    const auto address = to_address(uri.host);
    if (!address) return false;
    std::array<char, base::address_text_bytes_max + 1> text;
    // An IPv4-mapped address was written as IPv6 and stays it.
    out << '[' << (address->is_v4() ? "::ffff:" : "") << std::string_view{text.data(), address->print(text)} << ']';
  } else {
    std::array<char, 256> lower;
    std::string_view host = uri.host;
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty() || host.ends_with('.') || host.size() > lower.size()) return false;
    std::transform(host.begin(), host.end(), lower.begin(), to_lower);
    out << mapped(domains, {lower.data(), host.size()});
  }
  const bool usual = uri.port == sip_port || (uri.scheme == Scheme::sips && uri.port == sips_port);
  if (uri.port != 0 && !usual) out << ':' << std::uint64_t{uri.port};
  return true;
}

std::string_view default_domain(const Domains& domains) {
  if (!domains.default_domain.empty()) return domains.default_domain;
  return domains.served.empty() ? std::string_view{} : std::string_view{domains.served.front()};
}

bool is_separator(char c) { return c == '-' || c == '.' || c == '(' || c == ')'; }

/// A global number (RFC 3966 3: '+', then digits and visual separators) without its separators; nothing is written when it is none.
/// Parameters behind it are dropped.
bool append_global_number(std::string_view user, base::Append& out) {
  std::array<char, base::aor_bytes_max> digits;
  std::size_t count = 0;
  while (!user.empty() && user[0] != ';') {
    const int octet = take_unescaped(user);
    if (octet < 0 || count == digits.size()) return false;
    const char c = static_cast<char>(octet);
    if (is_separator(c) && count > 0) continue;
    if (count == 0 ? c != '+' : !digit_octet.has(c)) return false;
    digits[count++] = c;
  }
  if (count < 2) return false;
  out << std::string_view{digits.data(), count};
  return true;
}

/// descriptor = domainname / global-number-digits, RFC 3966 3.
bool is_phone_context(std::string_view text) {
  const auto fits = [](char c) { return digit_octet.has(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || is_separator(c) || c == '+'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// A local number (RFC 3966 5.1.5) is a name within its phone-context only, so that stays with it.
bool append_local_number(std::string_view subscriber, base::Append& out) {
  const std::size_t end = std::min(subscriber.find(';'), subscriber.size());
  const UriParam context = uri_param(subscriber.substr(std::min(end + 1, subscriber.size())), "phone-context");
  if (!is_phone_context(context.value)) return false;
  for (char c : subscriber.substr(0, end))
    if (!is_separator(c)) append_user_octet(static_cast<unsigned char>(to_lower(c)), out);
  out << ";phone-context=";
  for (char c : context.value) out << to_lower(c);
  return true;
}

bool append_tel(const Uri& uri, const Domains& domains, base::Append& out) {
  if (default_domain(domains).empty()) return false;
  if (!append_global_number(uri.user, out) && !append_local_number(uri.user, out)) return false;
  out << '@' << default_domain(domains);
  return true;
}

/// A user part; with user=phone it is a number (RFC 3261 19.1.1), which separators leave what it is. Whose number it is says the host.
bool append_sip_user(const Uri& uri, base::Append& out) {
  const bool is_phone = equal_ignoring_case(uri_param(uri.params, "user").value, "phone");
  return (is_phone && append_global_number(uri.user, out)) || append_user(uri.user, out);
}

bool append_sip(const Uri& uri, const Domains& domains, base::Append& out) {
  if (uri.has_user) {
    if (!append_sip_user(uri, out)) return false;
    out << '@';
  }
  return append_host(uri, domains, out);
}

[[gnu::noinline]] bool serves_in_any_case(const Domains& domains, std::string_view host) {
  const auto is_host = [host](std::string_view name) { return equal_ignoring_case(name, host); };
  return std::any_of(domains.served.begin(), domains.served.end(), is_host) ||
         std::any_of(domains.aliases.begin(), domains.aliases.end(), [&](const auto& alias) { return is_host(alias.first); });
}

[[gnu::noinline]] Named name_client_in_any_form(std::string_view uri, const Domains& domains, const base::Key128& fleet_seed) {
  std::array<char, base::aor_bytes_max> room;
  const auto canonical = canonical_aor(uri, domains, room);
  if (!canonical) return {.fault = canonical.error()};
  const std::size_t at = canonical->rfind('@');
  if (at == std::string_view::npos || !serves(domains, canonical->substr(at + 1))) return {};
  return {.key = client_key(*canonical, fleet_seed), .is_served = true};
}

}  // namespace

std::expected<std::string_view, Bad> canonical_aor(std::string_view uri, const Domains& domains, std::span<char> out) {
  SipText plain;
  const std::size_t host_at = out.size() >= plain.room.size() ? take_plain(uri, uri.data() + uri.size(), plain) : 0;
  const std::string_view host{plain.room.data() + host_at, host_at != 0 ? plain.bytes - host_at : 0};
  if (host_at != 0 && mapped(domains, host).data() == host.data()) [[likely]] {
    std::memcpy(out.data(), plain.room.data(), plain.room.size());
    return std::string_view{out.data(), plain.bytes};
  }
  const auto parsed = parse_uri(uri);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->scheme == Scheme::other) return std::unexpected(Bad::uri_scheme);
  base::Append text{out};
  const bool good = parsed->scheme == Scheme::tel ? append_tel(*parsed, domains, text) : append_sip(*parsed, domains, text);
  if (!good || text.overflow()) return std::unexpected(Bad::uri_syntax);
  return text.text();
}

bool serves(const Domains& domains, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return serves_exactly(domains, host) || serves_in_any_case(domains, host);
}

bool plain_aor(std::string_view uri, std::string_view text, const Domains& domains, SipText& out) {
  const std::size_t host_at = take_plain(uri, text.data() + text.size(), out);
  return host_at != 0 && serves_exactly(domains, {out.room.data() + host_at, out.bytes - host_at});
}

void client_keys(std::span<const SipText> aors, const base::Key128& fleet_seed, std::span<ClientKey> out) {
  std::size_t i = 0;
  for (; i + 4 <= aors.size(); i += 4) base::siphash128_of_four(fleet_seed, &aors[i], &out[i]);
  for (; i < aors.size(); ++i) out[i] = client_key(aors[i].text(), fleet_seed);
}

Named name_client(std::string_view uri, std::string_view text, const Domains& domains, const base::Key128& fleet_seed) {
  SipText plain;
  if (plain_aor(uri, text, domains, plain)) [[likely]]
    return {.key = client_key(plain.text(), fleet_seed), .is_served = true};
  return name_client_in_any_form(uri, domains, fleet_seed);
}

}  // namespace viaduct::sip
