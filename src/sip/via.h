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

/// Take one Via value. The cursor ends behind the last octet that belongs to the well-formed part.
/// Shape:  out is empty.
/// Source: RFC 3261 25.1 via-parm.
ViaShape take_via(Cursor& c, Via& out);

}  // namespace viaduct::sip
