// SPDX-License-Identifier: Apache-2.0
// Texts from the wire made fit for XML. Markup (& < > ") is the writer's business.
#pragma once
#include <string>
#include <string_view>

namespace viaduct::notifier {

/// A URI: every octet that no SIP URI holds as it is becomes %HH, and is then the same URI (RFC 3261 19.1.4): what is not visible ASCII, `"<>\^`{|}` and `#`,
/// and a `%` that no two hex digits follow. The brackets of an IPv6 address stay (RFC 3986 2.2).
[[nodiscard]] std::string xml_uri(std::string_view octets);

/// Any other text: tabs and line ends become blanks, as folds are (RFC 3261 7.3.1); every octet that is no part of a well-formed UTF-8 sequence (Unicode 3.9
/// table 3-7), or of a character that XML 1.0 2.2 has not, becomes U+FFFD.
[[nodiscard]] std::string xml_text(std::string_view octets);

}  // namespace viaduct::notifier
