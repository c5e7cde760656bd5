// SPDX-License-Identifier: Apache-2.0
// The index that a worker has made of a message, handed over with the packet, so that the registrar need not make it again.
#pragma once
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "viaduct/nic/packet.h"
#include "viaduct/sip/message.h"
#include "viaduct/site/post.h"

namespace viaduct::site {

namespace detail {
/// Of a message with more header lines the registrar makes its own.
inline constexpr std::size_t handed_lines_max = 31;
inline constexpr std::size_t handed_head_bytes = offsetof(sip::Message, line);
inline constexpr std::size_t handed_line_bytes = (handed_lines_max + 1) * sizeof(std::uint16_t), handed_id_bytes = handed_lines_max + 1;
static_assert(std::is_trivially_copyable_v<sip::Message> && std::is_standard_layout_v<sip::Message>);
}  // namespace detail

/// Octets behind a packet's data that an index takes.
inline constexpr std::size_t handed_index_bytes = detail::handed_head_bytes + detail::handed_line_bytes + 2 * detail::handed_id_bytes;

/// Put an index behind the octets of its message. Shape: `m` was made of this packet, which stays as it is until the index is taken.
/// With more lines than usual, or no room, nothing is put: `take_index` says so.
inline void hand_index(const sip::Message& m, nic::Packet p, Note& note) {
  const bool has_room = p.tailroom() >= handed_index_bytes && p.bytes() <= UINT16_MAX;
  note.index_at = has_room && m.headers <= detail::handed_lines_max ? static_cast<std::uint16_t>(p.bytes()) : 0;
  if (note.index_at == 0) return;
  std::uint8_t* at = p.data() + note.index_at;
  std::memcpy(at, &m, detail::handed_head_bytes);
  std::memcpy(at += detail::handed_head_bytes, m.line.data(), detail::handed_line_bytes);
  std::memcpy(at += detail::handed_line_bytes, m.id.data(), detail::handed_id_bytes);
  std::memcpy(at + detail::handed_id_bytes, m.name_bytes.data(), detail::handed_id_bytes);
}

/// Take it again, on any core. False: there is none.
[[nodiscard]] inline bool take_index(nic::Packet p, const Note& note, sip::Message& m) {
  if (note.index_at == 0) return false;
  const std::uint8_t* at = p.data() + note.index_at;
  std::memcpy(static_cast<void*>(&m), at, detail::handed_head_bytes);
  std::memcpy(m.line.data(), at += detail::handed_head_bytes, detail::handed_line_bytes);
  std::memcpy(m.id.data(), at += detail::handed_line_bytes, detail::handed_id_bytes);
  std::memcpy(m.name_bytes.data(), at + detail::handed_id_bytes, detail::handed_id_bytes);
  return true;
}

}  // namespace viaduct::site
