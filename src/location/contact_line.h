// SPDX-License-Identifier: Apache-2.0
// A binding as its Contact in an answer.
#pragma once
#include <string>

#include "viaduct/assign/locations.h"

namespace viaduct::location {

/// Append `Contact: <uri>;expires=N` with what the client said of it, and CRLF (RFC 3261 10.3 step 8). `gruu_aor` is the canonical AoR when the client asked
/// for a GRUU (RFC 5627 5.2), else empty; `scheme` that of the AoR as the client has it, `sip` or `sips` (RFC 5627 5.1).
void put_contact(std::string& out, const assign::BindingText& b, std::uint32_t expires_in_s, std::string_view gruu_aor, std::string_view scheme = "sip");

/// True when the instance can stand in a URI as it is: then it has a public GRUU (RFC 5627 5.4, RFC 3261 25.1 paramchar).
[[nodiscard]] bool has_public_gruu(std::string_view instance);

}  // namespace viaduct::location
