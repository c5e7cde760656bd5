// SPDX-License-Identifier: Apache-2.0
// A packet buffer as the path sees it: octets, the room before and behind them, and a note that travels with it.
#pragma once
#include <immintrin.h>
#include <rte_mbuf_core.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace viaduct::nic {

/// Octets of the note that every buffer carries beside its data, for the core that gets the packet next.
inline constexpr std::size_t note_bytes = 128;

/// The flags by which a device tells that it found a checksum good or bad; both flags of one: it did not look.
inline constexpr std::uint64_t checksum_flags_mask = RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK;

/// A handle to one buffer, of pointer size; copying the handle copies no ownership: whoever pops or receives it owns it until it is sent, pushed or freed.
class Packet {
 public:
  Packet() = default;
  explicit Packet(rte_mbuf* buffer) : buffer_(buffer) {}
  explicit operator bool() const { return buffer_ != nullptr; }
  [[nodiscard]] std::uint8_t* data() const { return static_cast<std::uint8_t*>(buffer_->buf_addr) + buffer_->data_off; }
  [[nodiscard]] std::size_t bytes() const { return buffer_->data_len; }
  [[nodiscard]] std::span<std::uint8_t> octets() const { return {data(), bytes()}; }
  [[nodiscard]] std::size_t headroom() const { return buffer_->data_off; }
  [[nodiscard]] std::size_t tailroom() const { return static_cast<std::size_t>(buffer_->buf_len) - buffer_->data_off - buffer_->data_len; }
  /// True when the device delivered it in several segments: data and bytes say the first.
  [[nodiscard]] bool is_segmented() const { return buffer_->nb_segs != 1; }
  /// What the device says of the checksums of IP and UDP: the flags of checksum_flags_mask, side by side.
  [[nodiscard]] std::uint64_t checksum_flags() const { return _pext_u64(buffer_->ol_flags, checksum_flags_mask); }
  /// The data become [start, start + bytes), which must lie inside the buffer.
  void set(const std::uint8_t* start, std::size_t bytes) {
    buffer_->data_off = static_cast<std::uint16_t>(start - static_cast<std::uint8_t*>(buffer_->buf_addr));
    buffer_->data_len = static_cast<std::uint16_t>(bytes);
    buffer_->pkt_len = static_cast<std::uint32_t>(bytes);
  }
  /// The note, as a T of at most note_bytes, trivially copyable.
  template <typename T>
  [[nodiscard]] T& note() const {
    static_assert(sizeof(T) <= note_bytes && alignof(T) <= 16);
    return *reinterpret_cast<T*>(buffer_ + 1);
  }
  /// The node's port that it came by, or is to leave by.
  [[nodiscard]] std::uint16_t port() const { return buffer_->port; }
  void set_port(std::uint16_t number) { buffer_->port = number; }
  /// Octets of all segments.
  [[nodiscard]] std::size_t bytes_in_all() const { return buffer_->pkt_len; }
  [[nodiscard]] rte_mbuf* raw() const { return buffer_; }

 private:
  rte_mbuf* buffer_{};
};
static_assert(sizeof(Packet) == sizeof(void*));

}  // namespace viaduct::nic
