// SPDX-License-Identifier: Apache-2.0
// Every fault a SIP message can have, one row each: enumerator and the reason phrase of the 400 (or 413, 505, 513) that names it. A message that has several
// is said to have the one that stands first here.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace viaduct::sip {

#define VIADUCT_SIP_FAULTS(X)                               \
  X(none, "")                                               \
  X(too_large, "Message Too Large")                         \
  X(not_sip, "Not SIP")                                     \
  X(start_line, "Bad Request Line")                         \
  X(version, "Version Not Supported")                       \
  X(status_code, "Bad Status Code")                         \
  X(request_uri, "Bad Request-URI")                         \
  X(header_lines, "Too Many Header Lines")                  \
  X(head_unterminated, "Missing Empty Line After Headers")  \
  X(header_syntax, "Bad Header Line")                       \
  X(header_bytes, "Header Line Too Long")                   \
  X(via_missing, "Missing Via")                             \
  X(via_syntax, "Bad Via")                                  \
  X(via_too_many, "Too Many Via Values")                    \
  X(from_missing, "Missing From")                           \
  X(from_syntax, "Bad From")                                \
  X(to_missing, "Missing To")                               \
  X(to_syntax, "Bad To")                                    \
  X(call_id_missing, "Missing Call-ID")                     \
  X(call_id_syntax, "Bad Call-ID")                          \
  X(cseq_missing, "Missing CSeq")                           \
  X(cseq_syntax, "Bad CSeq")                                \
  X(cseq_method, "CSeq Method Differs From Request Method") \
  X(header_repeated, "Header Field May Not Be Repeated")    \
  X(max_forwards_syntax, "Bad Max-Forwards")                \
  X(content_length_syntax, "Bad Content-Length")            \
  X(body_short, "Body Shorter Than Content-Length")         \
  X(contact_syntax, "Bad Contact")                          \
  X(contact_too_many, "Too Many Contact Values")            \
  X(contact_star, "Contact * Not Alone Or Expires Not 0")   \
  X(event_missing, "Missing Event")                         \
  X(event_syntax, "Bad Event")                              \
  X(uri_syntax, "Bad URI")                                  \
  X(uri_scheme, "Unsupported URI Scheme")

enum class Bad : std::uint8_t {
#define X(name, phrase) name,
  VIADUCT_SIP_FAULTS(X)
#undef X
};
struct BadRow {
  std::string_view name;
  std::string_view phrase;
};
inline constexpr std::array bad_rows = {
#define X(name, phrase) BadRow{#name, phrase},
    VIADUCT_SIP_FAULTS(X)
#undef X
};
[[nodiscard]] constexpr std::string_view name(Bad b) { return bad_rows[std::to_underlying(b)].name; }
[[nodiscard]] constexpr std::string_view phrase(Bad b) { return bad_rows[std::to_underlying(b)].phrase; }

}  // namespace viaduct::sip
