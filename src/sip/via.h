// SPDX-License-Identifier: Apache-2.0
// The Via value parser as the index uses it: on a cursor inside a message. parse_via is the same on a value that stands alone.
#pragma once
#include "field.h"
#include "viaduct/sip/via.h"

namespace viaduct::sip {

/// How far a Via value is well-formed.
enum class ViaShape : std::uint8_t {
  whole,      ///< up to a comma or the end
  front,      ///< sent-protocol, sent-by and perhaps some parameters; then something else
  none,       ///< not even sent-by
};

/// Take any Via value, step by step. The cursor ends behind the last octet that belongs to the well-formed part.
/// Source: RFC 3261 25.1 via-parm.
ViaShape take_via(Cursor& c, Via& out);

/// The same for a value of the usual shape in a message, and quick: `SIP/2.0/UDP host[:port]`, parameters without escapes and white space, each 64 octets at the most.
/// Shape:  out is empty; [at, end) is the list, and what is read is inside reach.
/// Returns the value's end, which is `end` or a comma; null when take_via must have a look: then out holds anything.
[[nodiscard]] const char* usual_via(const char* at, const char* end, Reach reach, Via& out);

}  // namespace viaduct::sip
