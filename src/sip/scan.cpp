// SPDX-License-Identifier: Apache-2.0
// Line starts of a message's head: an AVX2 pass that stops at the empty line, and the scalar pass for folded heads.
#include "scan.h"

namespace viaduct::sip {
namespace {

constexpr std::size_t block_bytes = 64;
/// Starts written at once before their number is looked at: header lines have some 45 octets, so a block seldom holds more.
constexpr std::size_t starts_at_once = 3;

std::uint32_t line_ends_32(const char* at) {
  return static_cast<std::uint32_t>(
      _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)), _mm256_set1_epi8('\n'))));
}

/// Line ends among the last octets of `text` from `from` on, fewer than 64: the loads begin earlier so that nothing behind the text is read.
std::uint64_t line_ends_tail(std::string_view text, std::size_t from) {
  const std::size_t left = text.size() - from;
  const std::uint64_t last = line_ends_32(text.data() + text.size() - vector_bytes);
  if (left <= vector_bytes) return last >> (vector_bytes - left);
  return line_ends_32(text.data() + from) | last << (left - vector_bytes);
}

std::uint64_t line_ends(std::string_view text, std::size_t from) {
  if (from + block_bytes > text.size()) [[unlikely]]
    return line_ends_tail(text, from);
  return line_ends_32(text.data() + from) | static_cast<std::uint64_t>(line_ends_32(text.data() + from + vector_bytes)) << 32U;
}

/// Append the starts behind the line ends of a block; up to two words behind the result are overwritten.
std::uint16_t* append_starts(std::uint16_t* out, std::size_t from, std::uint64_t ends) {
  const auto count = static_cast<std::size_t>(std::popcount(ends));
  const std::size_t base = from + 1;
  for (std::size_t i = 0; i < starts_at_once; ++i, ends = _blsr_u64(ends)) out[i] = static_cast<std::uint16_t>(base + _tzcnt_u64(ends));
  if (count > starts_at_once) [[unlikely]]
    for (std::size_t i = starts_at_once; i < count; ++i, ends = _blsr_u64(ends)) out[i] = static_cast<std::uint16_t>(base + _tzcnt_u64(ends));
  return out + count;
}

/// Of line ends that stand one or two octets behind another, the first that ends an empty line: CR or nothing before it.
/// Returns its bit, or 64 (a line of one octet is no empty line).
std::uint32_t empty_line(const char* block, std::uint64_t close) {
  for (; close != 0; close = _blsr_u64(close)) {
    const auto bit = static_cast<std::uint32_t>(_tzcnt_u64(close));
    const char before = block[static_cast<int>(bit) - 1];
    if (before == '\n' || before == '\r') return bit;
  }
  return block_bytes;
}

}  // namespace

Lines find_lines(std::string_view text, LineStarts& start) {
  std::uint16_t* out = start.data();
  std::uint16_t* const full = out + start.size() - block_bytes;
  std::uint64_t before = 0;
  for (std::size_t from = 0; from < text.size(); from += block_bytes) {
    const std::uint64_t ends = line_ends(text, from);
    const std::uint64_t close = ends & (ends << 1U | before >> 63U | ends << 2U | before >> 62U);
    if (close != 0) [[unlikely]]
      if (const std::uint32_t bit = empty_line(text.data() + from, close); bit < block_bytes) {
        out = append_starts(out, from, _bzhi_u64(ends, bit));
        return {.count = static_cast<std::size_t>(out - start.data()), .head_bytes = from + bit + 1, .terminated = true};
      }
    out = append_starts(out, from, ends);
    if (out > full) [[unlikely]]
      return {.overflow = true};
    before = ends;
  }
  return {.count = static_cast<std::size_t>(out - start.data()), .head_bytes = out == start.data() ? text.size() : out[-1]};
}

Lines find_joined_lines(std::string_view text, LineStarts& start) {
  std::size_t count = 0;
  std::size_t end = text.find('\n');
  while (end != std::string_view::npos) {
    const std::size_t at = end + 1;
    const bool empty = text.substr(at).starts_with("\r\n") || text.substr(at).starts_with('\n');
    end = text.find('\n', at);
    const bool continues = count > 0 && end != std::string_view::npos && (text[at] == ' ' || text[at] == '\t');
    if (continues) continue;
    if (count == start.size()) return {.count = count, .head_bytes = start.back(), .overflow = true};
    start[count++] = static_cast<std::uint16_t>(at);
    if (empty) return {.count = count, .head_bytes = end + 1, .terminated = true};
  }
  return {.count = count, .head_bytes = count == 0 ? text.size() : start[count - 1]};
}

}  // namespace viaduct::sip
