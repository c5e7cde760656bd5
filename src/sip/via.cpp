// SPDX-License-Identifier: Apache-2.0
// Taking a Via value apart, and where the response that carries it goes.
#include "via.h"

#include "uri.h"

namespace viaduct::sip {
namespace {

/// sent-protocol: name SLASH version SLASH transport, with white space tolerated round each slash.
bool take_protocol(Cursor& c, Via& out) {
  if (c.take_run<token_octet>().empty() || !c.take_separator('/')) return false;
  if (c.take_run<token_octet>().empty() || !c.take_separator('/')) return false;
  out.transport = c.take_run<token_octet>();
  return !out.transport.empty();
}

/// LWS sent-by: host [ COLON port ]. A name may be any token: it is a label of the sender's more often than a host.
bool take_sent_by(Cursor& c, Via& out) {
  const char* before = c.at;
  c.skip_lws();
  if (c.at == before) return false;
  const char* from = c.at;
  if (c.peek() != '[') out.host = c.take_run<token_octet>();
  if (out.host.empty() && !take_host(c, out.host)) return false;
  const char* behind_host = c.at;
  if (!c.take_separator(':'))
    c.at = behind_host;
  else if (!take_port(c, out.port))
    return false;
  out.sent_by = {from, static_cast<std::size_t>(c.at - from)};
  return true;
}

void keep_rport(std::string_view whole, std::string_view value, Via& out) {
  out.repeats_routing |= out.has_rport;
  if (out.has_rport) return;
  out.rport = value;
  out.rport_param = whole;
  out.has_rport = true;
}

void keep_received(std::string_view whole, std::string_view value, Via& out) {
  out.repeats_routing |= out.has_received;
  if (out.has_received) return;
  out.received = value;
  out.received_param = whole;
  out.has_received = true;
}

/// Keep what routing needs of a parameter, which is `whole` from its semicolon on; the first of a name counts.
void keep_param(std::string_view whole, std::string_view name, std::string_view value, Reach reach, Via& out) {
  constexpr std::uint64_t branch = param_word("branch"), rport = param_word("rport"), received = param_word("received"), maddr = param_word("maddr");
  if (name.size() > 8) return;
  const std::uint64_t word = param_word(name, reach);
  if (word == branch) {
    if (out.branch.empty()) out.branch = value;
  } else if (word == rport) {
    keep_rport(whole, value, out);
  } else if (word == received) {
    keep_received(whole, value, out);
  } else if (word == maddr) {
    if (out.maddr.empty()) out.maddr = value;
  }
}

/// Where parameter values end among 64 octets: one bit for each octet that cannot belong to one.
struct Window {
  const char* base;
  std::uint64_t ends;

  explicit Window(const char* at)
      : base(at),
        ends(others<param_octet>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))) |
             std::uint64_t{others<param_octet>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + vector_bytes)))} << 32U) {}
  static constexpr std::ptrdiff_t bytes = 64;
  /// The end of the value at `at`; null when it is not in the window. Shape: at is base or behind it.
  [[nodiscard]] const char* end(const char* at) const {
    if (at - base >= bytes) return nullptr;
    const std::uint64_t rest = ends >> (at - base);
    return rest == 0 ? nullptr : at + std::countr_zero(rest);
  }
};

/// Eight octets as they stand. Shape: they may be read.
inline std::uint64_t load8(const char* at) {
  std::uint64_t word{};
  std::memcpy(&word, at, sizeof word);
  return word;
}
/// The same, letters in lower case.
inline std::uint64_t lower8(const char* at) { return load8(at) | 0x2020202020202020U; }

/// Behind a quoted string without escapes and folds; null when it is none, or goes behind the window. Shape: its first quote stands at `at`.
inline const char* behind_plain_quoted(const char* at, const Window& window, Reach reach) {
  const char* const end = run<quoted_octet>(at + 1, reach);
  return end - window.base < Window::bytes - 1 && *end == '"' ? end + 1 : nullptr;
}

/// The end of a parameter that is none of the frequent ones, at the semicolon `at`; null when it is not well-formed or goes behind the window.
[[gnu::noinline]] const char* other_param(const char* at, const Window& window, Reach reach, Via& out) {
  const char* const name_end = run<token_octet>(at + 1, reach);
  if (name_end == at + 1 || name_end - window.base >= Window::bytes) return nullptr;
  const bool has_value = *name_end == '=';
  const char* const end = !has_value ? name_end : name_end[1] == '"' ? behind_plain_quoted(name_end + 1, window, reach) : window.end(name_end + 1);
  if (end == nullptr || end == name_end + 1) return nullptr;
  keep_param({at, end}, {at + 1, name_end}, has_value ? std::string_view{name_end + 1, end} : std::string_view{}, reach, out);
  return end;
}

/// The end of the parameter at the semicolon `at`; null when it is not well-formed or goes behind the window. Shape: ten octets may be read.
inline const char* usual_param(const char* at, const Window& window, Reach reach, Via& out) {
  constexpr std::uint64_t branch = param_word("branch"), rport = param_word("rport"), received = param_word("received");
  const std::uint64_t word = lower8(at + 1);
  if (_bzhi_u64(word, 48) == branch && at[7] == '=' && out.branch.empty()) {
    const char* const end = window.end(at + 8);
    out.branch = {at + 8, end == nullptr ? at + 8 : end};
    return out.branch.empty() ? nullptr : end;
  }
  if (_bzhi_u64(word, 40) == rport && window.end(at + 6) == at + 6) {
    keep_rport({at, at + 6}, {}, out);
    return at + 6;
  }
  if (word == received && at[9] == '=') {
    const char* const end = window.end(at + 10);
    if (end == nullptr || end == at + 10) return nullptr;
    keep_received({at, end}, {at + 10, end}, out);
    return end;
  }
  return other_param(at, window, reach, out);
}

/// `host[:port]`, a name or an IPv4 address of at most 31 octets. Returns its end, or null. Shape: 64 octets may be read.
inline const char* usual_sent_by(const char* host, Via& out) {
  const std::uint32_t ends = others<token_octet>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(host)));
  const char* end = host + _tzcnt_u32(ends);
  if (end == host || ends == 0) return nullptr;
  out.host = {host, end};
  if (*end == ':') {
    const ShortNumber port = short_number(load8(end + 1));
    if (port.digits - 1 > 6 || port.value - 1 > 0xfffe) return nullptr;
    out.port = static_cast<std::uint16_t>(port.value);
    end += 1 + port.digits;
  }
  out.sent_by = {host, end};
  return end;
}

}  // namespace

ViaShape take_via(Cursor& c, Via& out) {
  out = {};
  if (!take_protocol(c, out) || !take_sent_by(c, out)) return ViaShape::none;
  Params params(c);
  for (const char* at = behind_lws(c.at, c.end); at < c.end && *at != ',';) {
    Param param;
    const char* const next = params.take(at, param);
    if (next == nullptr) return ViaShape::front;
    keep_param({at, param.end}, param.name, param.value, c.reach, out);
    c.at = param.end;
    at = next;
  }
  return ViaShape::whole;
}

const char* usual_via(const char* at, const char* end, Reach reach, Via& out) {
  constexpr std::ptrdiff_t read_bytes_max = 12 + Window::bytes + 11;
  if (reach.end - at < read_bytes_max || std::memcmp(at, "SIP/2.0/UDP ", 12) != 0) return nullptr;
  out.transport = {at + 8, 3};
  Window window{at + 12};
  at = usual_sent_by(window.base, out);
  std::size_t params_left = base::header_params_max;
  while (at != nullptr && at < end && *at == ';') {
    const char* const param_end = usual_param(at, window, reach, out);
    if (param_end == nullptr) {
      if (at == window.base || reach.end - at < read_bytes_max) return nullptr;
      window = Window{at};
      continue;
    }
    at = param_end;
    if (--params_left == 0) [[unlikely]]
      return nullptr;
  }
  return at != nullptr && (at == end || (at < end && *at == ',')) ? at : nullptr;
}

std::expected<Via, Bad> parse_via(std::string_view value) {
  Cursor c{value};
  Via via;
  c.skip_lws();
  if (take_via(c, via) != ViaShape::whole) return std::unexpected(Bad::via_syntax);
  c.skip_lws();
  if (!c.done()) return std::unexpected(Bad::via_syntax);
  return via;
}

namespace {

/// A port in text; 0 when it is none.
std::uint16_t to_port(std::string_view text) {
  std::uint16_t port = 0;
  Cursor c{text};
  return take_port(c, port) && c.done() ? port : std::uint16_t{0};
}

std::optional<base::Address> usable(std::string_view host) {
  const std::optional<base::Address> address = to_address(host);
  if (!address || address->is_unusable_destination()) return std::nullopt;
  return address;
}

}  // namespace

std::optional<base::Endpoint> response_destination(const Via& via) {
  constexpr std::uint16_t sip_port = 5060;
  // What the element that put it there saw comes before what the sender claims, so that no maddr of a client turns us into a reflector.
  const std::string_view host = via.has_received ? via.received : !via.maddr.empty() ? via.maddr : via.host;
  const auto address = usable(host);
  if (!address) return std::nullopt;
  // RFC 3581 4: rport counts together with received only.
  if (!via.rport.empty() && via.has_received) {
    const std::uint16_t rport = to_port(via.rport);
    if (rport == 0) return std::nullopt;
    return base::Endpoint{*address, rport};
  }
  return base::Endpoint{*address, via.port != 0 ? via.port : sip_port};
}

}  // namespace viaduct::sip
