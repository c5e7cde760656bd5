// SPDX-License-Identifier: Apache-2.0
// Line starts of a message's head: an AVX2 pass that stops at the empty line, and the scalar pass for folded heads.
#include "scan.h"

namespace viaduct::sip {
namespace {

constexpr std::size_t block_bytes = 64;
/// Starts written at once before their number is looked at: header lines have some 45 octets, so a block seldom holds more.
constexpr std::size_t starts_at_once = 3;

std::uint32_t line_ends_32(const char* at) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)), _mm256_set1_epi8('\n'))));
}

std::uint64_t line_ends_64(const char* at) { return line_ends_32(at) | static_cast<std::uint64_t>(line_ends_32(at + vector_bytes)) << 32U; }

/// Line ends among the last octets of `text` from `from` on, fewer than 64: the loads begin earlier so that nothing behind the text is read.
std::uint64_t line_ends_tail(std::string_view text, std::size_t from) {
  const std::size_t left = text.size() - from;
  const std::uint64_t last = line_ends_32(text.data() + text.size() - vector_bytes);
  if (left <= vector_bytes) return last >> (vector_bytes - left);
  return line_ends_32(text.data() + from) | last << (left - vector_bytes);
}

/// Append the starts behind the line ends of a block; up to two words behind the result are overwritten. No more than `last` is filled:
/// a result behind it says that there was no room.
std::uint16_t* append_starts(std::uint16_t* out, const std::uint16_t* last, std::size_t from, std::uint64_t ends) {
  const auto count = static_cast<std::size_t>(std::popcount(ends));
  const std::size_t base = from + 1;
  std::uint64_t rest = ends;
  for (std::size_t i = 0; i < starts_at_once; ++i, rest = _blsr_u64(rest)) out[i] = static_cast<std::uint16_t>(base + _tzcnt_u64(rest));
  if (count > starts_at_once) [[unlikely]] {
    if (out + count > last) return out + (last + 1 - out);
    for (std::size_t i = starts_at_once; i < count; ++i, rest = _blsr_u64(rest)) out[i] = static_cast<std::uint16_t>(base + _tzcnt_u64(rest));
  }
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

/// Line ends of a block that stand one or two octets behind another, which may be in the block before.
std::uint64_t close_ends(std::uint64_t before, std::uint64_t ends) { return ends & (ends << 1U | ends << 2U | before >> 62U | before >> 63U); }

/// The search in progress.
struct Search {
  std::string_view text;
  LineStarts& start;
  std::uint16_t* out;

  [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(out - start.data()); }
  /// From here on two more blocks' unconditional writes fit, but no more.
  [[nodiscard]] const std::uint16_t* last() const { return start.data() + start.size() - 2 * starts_at_once; }
  [[nodiscard]] bool full() const { return out > last(); }
  /// Take the line ends of one block up to an empty line. True when that was found.
  bool take(std::size_t from, std::uint64_t ends, std::uint64_t close, Lines& lines) {
    const std::uint32_t bit = empty_line(text.data() + from, close);
    out = append_starts(out, last(), from, _bzhi_u64(ends, bit));
    lines = {.count = count(), .head_bytes = from + bit + 1, .terminated = true};
    return bit < block_bytes;
  }
  /// The same for two blocks, which seldom hold the empty line.
  bool take_two(std::size_t from, std::uint64_t before, std::uint64_t a, std::uint64_t b, Lines& lines) {
    const std::uint64_t a_close = close_ends(before, a);
    const std::uint64_t b_close = close_ends(a, b);
    if ((a_close | b_close) != 0) [[unlikely]]
      return take(from, a, a_close, lines) || (!full() && take(from + block_bytes, b, b_close, lines));
    out = append_starts(append_starts(out, last(), from, a), last(), from + block_bytes, b);
    return false;
  }
};

}  // namespace

Lines find_lines(std::string_view text, LineStarts& start) {
  Search search{text, start, start.data()};
  Lines lines;
  bool found = false;
  std::uint64_t before = 0;
  std::size_t from = 0;
  for (; !found && !search.full() && from + 2 * block_bytes <= text.size(); from += 2 * block_bytes) {
    const std::uint64_t a = line_ends_64(text.data() + from);
    const std::uint64_t b = line_ends_64(text.data() + from + block_bytes);
    found = search.take_two(from, before, a, b, lines);
    before = b;
  }
  for (; !found && !search.full() && from < text.size(); from += block_bytes) {
    const std::uint64_t ends = from + block_bytes <= text.size() ? line_ends_64(text.data() + from) : line_ends_tail(text, from);
    found = search.take(from, ends, close_ends(before, ends), lines);
    before = ends;
  }
  if (search.full()) [[unlikely]]
    return {.overflow = true};
  if (found) return lines;
  return {.count = search.count(), .head_bytes = search.count() == 0 ? text.size() : search.out[-1]};
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
