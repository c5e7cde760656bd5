// SPDX-License-Identifier: Apache-2.0
// Reading what a SUBSCRIBE asks for.
#include "viaduct/sip/event.h"

#include <algorithm>
#include <array>

#include "field.h"
#include "viaduct/base/append.h"
#include "viaduct/sip/contact.h"
#include "viaduct/sip/rare.h"
#include "viaduct/sip/route.h"
#include "viaduct/sip/uri.h"

namespace viaduct::sip {
namespace {

// --- Event

/// token-nodot 1*( "." token-nodot ) (RFC 6665 8.4).
bool is_package(std::string_view text) { return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == text.npos; }

bool is_token(std::string_view text) { return !text.empty() && run_scalar<token_octet>(text.data(), text.data() + text.size()) == text.data() + text.size(); }

constexpr std::size_t rate_whole_digits_max = 8,
                      rate_fraction_digits_max = 10;  // RFC 6446 10.3 has ten of the latter; more than 10^8 a second is as good as that
constexpr std::uint64_t rate_unit = 10'000'000'000;
constexpr std::uint64_t ms_per_s = 1000;

/// A positive decimal number in units of 10^-10. Errors: nullopt, for zero too: a rate that never is no rate.
std::optional<std::uint64_t> to_rate(std::string_view text) {
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, dot), fraction = text.substr(std::min(dot + 1, text.size()));
  if (whole.empty() || whole.size() > rate_whole_digits_max || fraction.size() > rate_fraction_digits_max || fraction.empty() != (dot == text.size()))
    return std::nullopt;
  std::uint64_t rate = 0, unit = rate_unit;
  for (const std::string_view digits : {whole, fraction})
    if (!std::ranges::all_of(digits, [](char c) { return digit_octet.has(c); })) return std::nullopt;
  for (const char c : whole) rate = rate * 10 + static_cast<std::uint64_t>(c - '0');
  rate *= rate_unit;
  for (const char c : fraction) rate += static_cast<std::uint64_t>(c - '0') * (unit /= 10);
  return rate != 0 ? std::optional{rate} : std::nullopt;
}

enum class Round : std::uint8_t { up, down };

/// Milliseconds between events that come at that rate.
std::optional<std::uint32_t> to_interval_ms(std::string_view text, Round round) {
  const auto rate = to_rate(text);
  if (!rate) return std::nullopt;
  constexpr std::uint64_t unit = ms_per_s * rate_unit;
  const std::uint64_t ms = unit / *rate + (round == Round::up && unit % *rate != 0 ? 1 : 0);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ms, 1, 0xffff'ffffU));
}

/// Keep a parameter of an Event. False: it makes the header unusable.
bool keep(const Param& param, EventField& out) {
  if (equal_ignoring_case(param.name, "id")) {
    const bool is_first = out.id.empty();
    out.id = param.value;
    return is_first && is_token(param.value);
  }
  if (equal_ignoring_case(param.name, "max-rate")) out.min_interval_ms = to_interval_ms(param.value, Round::up);
  if (equal_ignoring_case(param.name, "min-rate")) out.max_interval_ms = to_interval_ms(param.value, Round::down);
  if (equal_ignoring_case(param.name, "adaptive-min-rate")) out.adaptive_interval_ms = to_interval_ms(param.value, Round::down);
  return true;
}

std::expected<EventField, Bad> to_event(std::string_view value) {
  Cursor c{value};
  EventField out{.package = c.take_run<token_octet>()};
  c.skip_lws();
  Params params(c);
  for (const char* at = c.at; at < c.end;) {
    Param param;
    at = params.take(at, param);
    if (at == nullptr || !keep(param, out)) return std::unexpected(Bad::event_syntax);
  }
  if (!is_package(out.package)) return std::unexpected(Bad::event_syntax);
  return out;
}

// --- Accept

/// How narrowly a media range names a type.
enum class Fit : std::uint8_t { none, any, type, exact };

struct MediaRange {
  Fit fit{};
  bool is_refused{};  ///< q=0
};

/// True for 0, 0.0, 0.00, 0.000 (RFC 3261 25.1 qvalue).
bool is_zero(std::string_view q) { return q.starts_with('0') && q.size() <= 5 && q.find_first_not_of("0.") == q.npos; }

Fit fit(std::string_view type, std::string_view subtype, std::string_view wanted) {
  const std::size_t slash = wanted.find('/');
  if (type == "*") return subtype == "*" ? Fit::any : Fit::none;
  if (!equal_ignoring_case(type, wanted.substr(0, slash))) return Fit::none;
  if (subtype == "*") return Fit::type;
  return equal_ignoring_case(subtype, wanted.substr(slash + 1)) ? Fit::exact : Fit::none;
}

/// One element of Accept, held against a type. A malformed one fits nothing.
MediaRange to_range(std::string_view value, std::string_view wanted) {
  Cursor c{value};
  const std::string_view type = c.take_run<token_octet>();
  if (!c.take_separator('/')) return {};
  const std::string_view subtype = c.take_run<token_octet>();
  if (type.empty() || subtype.empty()) return {};
  MediaRange out{.fit = fit(type, subtype, wanted)};
  c.skip_lws();
  Params params(c);
  for (const char* at = c.at; at < c.end;) {
    Param param;
    at = params.take(at, param);
    if (at == nullptr) return {};
    if (equal_ignoring_case(param.name, "q")) out.is_refused = is_zero(param.value);
  }
  return out;
}

// --- Record-Route

/// Append one Record-Route value, put together anew: no display name, no white space, no fold that a line of ours would then have. False: not well-formed.
bool put_route(std::string_view value, base::Append& out) {
  Cursor c{value};
  NameAddr name;
  if (!take_name_addr(c, name)) return false;
  out << '<' << name.uri << '>';
  c.skip_lws();
  Params params(c);
  for (const char* at = c.at; at < c.end;) {
    Param param;
    at = params.take(at, param);
    if (at == nullptr || param.value.find_first_of("\r\n") != param.value.npos) return false;
    out << ';' << param.name;
    if (param.has_value) out << '=' << param.value;
  }
  return true;
}

}  // namespace

std::expected<EventField, Bad> event(const Message& message) {
  if (!message.has(HeaderId::event)) return std::unexpected(Bad::event_missing);
  const auto* const end = message.id.begin() + message.headers;
  if (std::count(message.id.begin(), end, HeaderId::event) > 1) return std::unexpected(Bad::header_repeated);
  return to_event(message.value(HeaderId::event));
}

bool accepts(const Message& message, std::string_view media_type) {
  bool has_header = false;
  MediaRange best;
  RareLines lines(message, "accept");
  for (std::string_view rest; lines.next(rest);) {
    has_header = true;
    for (std::string_view value = next_value(rest); !value.empty(); value = next_value(rest)) {
      const MediaRange range = to_range(value, media_type);
      // Two ranges that are as narrow as each other may differ in parameters: one that accepts is enough.
      if (range.fit > best.fit || (range.fit == best.fit && best.is_refused)) best = range;
    }
  }
  return !has_header || (best.fit != Fit::none && !best.is_refused);
}

std::string_view suppress_if_match(const Message& request) {
  RareLines lines(request, "suppress-if-match");
  std::string_view tag, another;
  if (!lines.next(tag) || lines.next(another) || !is_token(tag)) return {};
  return tag;
}

std::optional<std::uint32_t> retry_after_s(const Message& message) {
  RareLines lines(message, "retry-after");
  std::string_view value;
  if (!lines.next(value)) return std::nullopt;
  Cursor c{value};
  const std::string_view digits = c.take_run<digit_octet>();
  c.skip_lws();
  // A comment and parameters may follow.
  if (digits.empty() || !(c.done() || c.peek() == ';' || c.peek() == '(')) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(to_number(digits), 0xffff'ffffU));
}

std::optional<std::string_view> remote_target(const Message& request) {
  const auto all = contacts(request);
  if (!all || all->star || all->count != 1) return std::nullopt;
  const auto uri = parse_uri(all->values[0].uri);
  if (!uri || (uri->scheme != Scheme::sip && uri->scheme != Scheme::sips)) return std::nullopt;
  return all->values[0].uri;
}

std::optional<std::string_view> route_set(const Message& request, std::span<char> out) {
  base::Append text(out);
  Routes routes(request, HeaderId::record_route);
  for (RouteValue route; routes.next(route);) {
    if (text.bytes() != 0) text << ", ";
    if (!put_route(route.value, text)) return std::nullopt;
  }
  return text.overflow() ? std::nullopt : std::optional{text.text()};
}

}  // namespace viaduct::sip
