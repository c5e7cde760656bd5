// SPDX-License-Identifier: Apache-2.0
// What a notifier reads in a SUBSCRIBE beside its dialog and its Expires: the event package, its rates, the accepted bodies, the entity-tag, the target.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// An Event header; the texts borrow from the message. Package and id are compared octet by octet, letters of both cases differ (RFC 6665 8.2.1):
/// `Event: Reg` is not the package `reg`, and a header with an id never matches one without.
struct EventField {
  std::string_view package;                          ///< with its templates: `reg`, `reg.winfo`
  std::string_view id;                               ///< ;id; empty when absent
  std::optional<std::uint32_t> min_interval_ms;      ///< of ;max-rate: NOTIFYs are at least so far apart; rounded up
  std::optional<std::uint32_t> max_interval_ms;      ///< of ;min-rate: at most so far apart; rounded down, at least 1
  std::optional<std::uint32_t> adaptive_interval_ms; ///< of ;adaptive-min-rate: the mean distance at most; as ;min-rate
};

/// The Event header. A rate that is no positive number is a wish that nobody can read, and as good as none; intervals are clamped to 2^32-1 ms.
/// Errors: Bad::event_missing (a notifier may answer 489 as well: RFC 6665 4.2.1.1), Bad::event_syntax, Bad::header_repeated.
/// Thread: any; pure. Source: RFC 6665 8.2.1, 8.4; RFC 6446 4 to 6, 10.3.
[[nodiscard]] std::expected<EventField, Bad> event(const Message& message);

/// Whether the sender takes bodies of that type, `type/subtype` in lower case. Without Accept he takes the package's default, which it is understood to be; an
/// empty Accept takes nothing. Of several ranges that cover the type the narrowest decides; `q=0` refuses; other parameters are not looked at; a range that
/// is malformed covers nothing. Source: RFC 3261 20.1, 25.1; RFC 6665 3.1.3; RFC 2616 14.1.
[[nodiscard]] bool accepts(const Message& message, std::string_view media_type);

/// The condition of a SUBSCRIBE: an entity-tag or `*`. Empty: none, or none that is well-formed and alone, which suppresses nothing. Source: RFC 5839 5, 7.2.
[[nodiscard]] std::string_view suppress_if_match(const Message& request);

/// Retry-After in seconds, clamped to 2^32-1; nullopt when absent or malformed. Source: RFC 3261 20.33.
[[nodiscard]] std::optional<std::uint32_t> retry_after_s(const Message& message);

/// The remote target that a request makes a dialog with: the URI of its only Contact. Errors: nullopt when there is not exactly one, or it is no SIP or SIPS URI.
/// Source: RFC 3261 8.1.1.8, 12.1.1.
[[nodiscard]] std::optional<std::string_view> remote_target(const Message& request);

/// The route set that a request gives the dialog of who answers it: its Record-Route values in their order, URIs and parameters without what else stood round
/// them, with `, ` between them, written into `out`. Errors: nullopt when one is not well-formed or they do not fit. Source: RFC 3261 12.1.1, 20.30.
[[nodiscard]] std::optional<std::string_view> route_set(const Message& request, std::span<char> out);

}  // namespace viaduct::sip
