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

/// Keep what routing needs of a parameter; the first of a name counts.
void keep_param(std::string_view name, std::string_view value, Reach reach, Via& out) {
  constexpr std::uint64_t branch = param_word("branch"), rport = param_word("rport"), received = param_word("received"), maddr = param_word("maddr");
  if (name.size() > 8) return;
  const std::uint64_t word = param_word(name, reach);
  if (word == branch) {
    if (out.branch.empty()) out.branch = value;
  } else if (word == rport) {
    if (!out.has_rport) out.rport = value;
    out.has_rport = true;
  } else if (word == received) {
    if (!out.has_received) out.received = value;
    out.has_received = true;
  } else if (word == maddr) {
    if (out.maddr.empty()) out.maddr = value;
  }
}

/// Where tokens and parameter values end among 64 octets: one bit for each octet that cannot belong to one.
struct Window {
  const char* base;
  std::uint64_t token_ends;
  std::uint64_t value_ends;

  explicit Window(const char* at) : base(at), token_ends(ends<token_octet>(at)), value_ends(ends<param_octet>(at)) {}
  static bool fits(const char* at, Reach reach) { return reach.end - at >= 64; }
  /// The end of the token or value at `at`; null when it is not in the window.
  [[nodiscard]] const char* token_end(const char* at) const { return end(token_ends, at); }
  [[nodiscard]] const char* value_end(const char* at) const { return end(value_ends, at); }

 private:
  template <const CharClass& C>
  static std::uint64_t ends(const char* at) {
    return others<C>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))) |
           static_cast<std::uint64_t>(others<C>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32)))) << 32U;
  }
  [[nodiscard]] const char* end(std::uint64_t ends, const char* at) const {
    if (at - base > 63) return nullptr;
    ends >>= at - base;
    return ends == 0 ? nullptr : at + std::countr_zero(ends);
  }
};

/// `SIP/2.0/UDP host[:port]`, a name or an IPv4 address, no white space but the one. Returns its end, or null.
const char* usual_sent_by(const Window& window, Reach reach, Via& out) {
  const char* const at = window.base;
  if (word8(at, 8, reach) != param_word("SIP/2.0/")) return nullptr;
  const char* const transport = at + 8;
  const char* const gap = window.token_end(transport);
  if (gap == nullptr || gap == transport || *gap != ' ') return nullptr;
  const char* const host = gap + 1;
  const char* end = window.token_end(host);
  if (end == nullptr || end == host) return nullptr;
  out.transport = {transport, gap};
  out.host = {host, end};
  if (*end == ':') {
    const ShortNumber port = short_number(end + 1, reach);
    if (port.digits == 0 || port.digits > 7 || port.value == 0 || port.value > 0xffff) return nullptr;
    out.port = static_cast<std::uint16_t>(port.value);
    end += 1 + port.digits;
  }
  out.sent_by = {host, end};
  return end;
}

/// A Via value of the usual shape, up to its line end or a comma: no quotes, no white space, sixty-four octets a parameter at the most.
/// Returns its end, or null: then the value must be taken step by step.
const char* usual_via(const Cursor& c, Via& out) {
  if (!Window::fits(c.at, c.reach)) return nullptr;
  Window window{c.at};
  const char* at = usual_sent_by(window, c.reach, out);
  while (at != nullptr && at < c.end && *at == ';') {
    const char* const name_end = window.token_end(at + 1);
    const bool has_value = name_end != nullptr && *name_end == '=';
    const char* const end = has_value ? window.value_end(name_end + 1) : name_end;
    if (end == nullptr) {
      if (at == window.base || !Window::fits(at, c.reach)) return nullptr;
      window = Window{at};
      continue;
    }
    if (name_end == at + 1 || end == name_end + 1) return nullptr;
    keep_param({at + 1, name_end}, has_value ? std::string_view{name_end + 1, end} : std::string_view{}, c.reach, out);
    at = end;
  }
  return at != nullptr && (at == c.end || (at < c.end && *at == ',')) ? at : nullptr;
}

/// Any Via value, step by step.
ViaShape take_via_slowly(Cursor& c, Via& out) {
  out = {};
  if (!take_protocol(c, out) || !take_sent_by(c, out)) return ViaShape::none;
  for (;;) {
    const char* good = c.at;
    c.skip_lws();
    if (c.done() || c.peek() == ',') {
      c.at = good;
      return ViaShape::whole;
    }
    Param param;
    if (!take_param(c, param)) {
      c.at = good;
      return ViaShape::front;
    }
    keep_param(param.name, param.value, c.reach, out);
  }
}

}  // namespace

ViaShape take_via(Cursor& c, Via& out) {
  if (const char* end = usual_via(c, out); end != nullptr) [[likely]] {
    c.at = end;
    return ViaShape::whole;
  }
  return take_via_slowly(c, out);
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
