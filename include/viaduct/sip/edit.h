// SPDX-License-Identifier: Apache-2.0
// Edits of a message as a short list of cuts and insertions, planned before a byte moves, and applied in the packet's buffer.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace viaduct::sip {

/// Edits of one message at the most: Request-URI, our Via, received/rport, Max-Forwards, Routes, X-Viaduct-Home, and room to grow.
inline constexpr std::size_t edits_max = 16;
/// Octets that all insertions of one message may have together: three times the largest forward edit without Routes, and what goes to a registered binding
/// (its Contact, its Path, Record-Routes for both sides); see forward.cpp.
inline constexpr std::size_t edit_text_bytes_max = 2304;

/// At `offset` of the original, `cut` octets go and `insert` come.
struct Edit {
  std::uint16_t offset{};
  std::uint16_t cut{};
  std::uint16_t text_offset{};  ///< into the list's own text
  std::uint16_t insert{};
};

/// A planned change. Edits are in ascending order of offset and do not overlap; neighbours are kept as one.
class Edits {
 public:
  void clear() {
    count_ = text_bytes_ = 0;
    growth_ = 0;
    overflow_ = false;
  }
  /// Append an edit behind the earlier ones. Text is copied into the list. When edits or text are more than fit, the plan is void from then on.
  void add(std::size_t offset, std::size_t cut, std::string_view insert);
  [[nodiscard]] std::span<const Edit> list() const { return {edits_.data(), count_}; }
  [[nodiscard]] std::string_view text(const Edit& e) const { return {text_.data() + e.text_offset, e.insert}; }
  /// Octets by which the message grows (negative: shrinks).
  [[nodiscard]] int growth() const { return growth_; }
  /// More edits or text than fit: the plan is void, and applying it stops the process.
  [[nodiscard]] bool overflow() const { return overflow_; }

 private:
  std::array<Edit, edits_max> edits_;
  std::array<char, edit_text_bytes_max> text_;
  std::uint16_t count_{};
  std::uint16_t text_bytes_{};
  int growth_{};
  bool overflow_{};
};

/// Apply in place by moving what stands before the last edit towards the front.
/// Shape: the octets [message.data() - growth, message.end()) belong to the caller. Returns the message's new start; its end stays.
[[nodiscard]] char* apply_at_front(const Edits& edits, std::span<char> message);
/// Apply in place by moving what stands behind the first edit towards the back.
/// Shape: [message.begin(), message.end() + growth) belongs to the caller. Returns the new length; the start stays.
[[nodiscard]] std::size_t apply_at_back(const Edits& edits, std::span<char> message);
/// Apply into another buffer. Shape: out.size() >= message.size() + growth, no overlap. Returns the new length.
[[nodiscard]] std::size_t apply_to(const Edits& edits, std::string_view message, std::span<char> out);

}  // namespace viaduct::sip
