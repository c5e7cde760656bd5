// SPDX-License-Identifier: Apache-2.0
// The 802.1Q tag taken out of a frame and put in again, in place: behind these functions no other knows of it.
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace viaduct::net {

/// Octets of a tag: its type and its VLAN, between the addresses and the type of what is carried.
inline constexpr std::size_t tag_bytes = 4;

/// The VLAN of a tagged frame, 0 of one that has a priority only. nullopt: no tag, or too short for one.
[[nodiscard]] inline std::optional<std::uint16_t> vlan_of(std::span<const std::uint8_t> frame) {
  if (frame.size() < 18 || frame[12] != 0x81 || frame[13] != 0x00) return std::nullopt;
  return static_cast<std::uint16_t>((frame[14] & 0x0f) << 8 | frame[15]);
}

/// Take the tag out: the addresses move. Shape: vlan_of the frame is something. Returns the frame's new first octet.
inline std::uint8_t* remove_tag(std::uint8_t* frame) {
  std::memmove(frame + tag_bytes, frame, 12);
  return frame + tag_bytes;
}

/// Put a tag of priority 0 in. Shape: [frame - tag_bytes, frame) is writable. Returns the frame's new first octet.
inline std::uint8_t* insert_tag(std::uint8_t* frame, std::uint16_t vlan) {
  const std::uint8_t tag[tag_bytes] = {0x81, 0x00, static_cast<std::uint8_t>(vlan >> 8), static_cast<std::uint8_t>(vlan)};
  std::memmove(frame - tag_bytes, frame, 12);
  std::memcpy(frame - tag_bytes + 12, tag, sizeof tag);
  return frame - tag_bytes;
}

}  // namespace viaduct::net
