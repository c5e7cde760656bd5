// SPDX-License-Identifier: Apache-2.0
// The start line: a request line or a status line, checked strictly; a broken one only as far as an answer needs.
#pragma once
#include <string_view>

#include "scan.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// What a start line is good for.
struct Start {
  Bad fault{Bad::none};
  bool usable{};  ///< a message can be told from it, if only to answer 400: method and version are there
};

/// Read the start line: fills is_request, method, method_text, request_uri, status.
/// Shape: line is the text up to the first line end, which is left out; text has at least vector_bytes octets.
/// Source: RFC 3261 7.1, 7.2, 25.1; RFC 4475 3.1.2.7 to 3.1.2.11, 3.1.2.16, 3.1.2.19.
Start read_start_line(std::string_view text, std::string_view line, Message& out);

}  // namespace viaduct::sip
