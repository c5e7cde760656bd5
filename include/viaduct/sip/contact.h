// SPDX-License-Identifier: Apache-2.0
// The Contact values of a REGISTER, as a registrar reads them.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "viaduct/base/limits.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// One Contact value; the texts borrow from the message.
struct Contact {
  std::string_view uri;                      ///< addr-spec without <>
  std::string_view params;                   ///< header parameters after the URI, without the first ';'
  std::optional<std::uint32_t> expires_s;    ///< ;expires, clamped to 2^32-1 (RFC 3261 20.19); malformed values read as 3600 (10.2.1.1 [tolerated])
  std::uint16_t q_milli{1000};               ///< ;q in thousandths
  std::string_view instance;                 ///< +sip.instance with its quotes; empty when absent
  std::uint32_t reg_id{};                    ///< 0 when absent
};

struct Contacts {
  bool star{};                               ///< `Contact: *`
  std::size_t count{};
  std::array<Contact, base::contact_values_max> values;
};

/// Every Contact value over all lines. Errors: Bad::contact_syntax (an addr-spec with '?' outside <> too, RFC 4475 3.1.2.13), Bad::contact_too_many,
/// Bad::contact_star ('*' beside another value). Source: RFC 3261 10.3 step 6, 20.10.
[[nodiscard]] std::expected<Contacts, Bad> contacts(const Message& request);

/// The Expires header in seconds: nullopt when absent or malformed (read as absent, RFC 4475 3.1.2.4).
[[nodiscard]] std::optional<std::uint32_t> expires_s(const Message& request);

/// URI equality of RFC 3261 19.1.4.
[[nodiscard]] bool uri_equal(std::string_view a, std::string_view b);

}  // namespace viaduct::sip
