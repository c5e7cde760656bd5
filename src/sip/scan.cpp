// SPDX-License-Identifier: Apache-2.0
// Line starts of a message's head: a pass without branches for heads without folds, and one line end after the other for all others.
#include "scan.h"

namespace viaduct::sip {
namespace {

constexpr std::size_t block_bytes = 64;
/// Starts written at once before their number is looked at: header lines have some 45 octets, so a block seldom holds more.
constexpr std::size_t starts_at_once = 3;
constexpr std::size_t starts_per_vector = 16;

std::uint64_t line_ends_64(const char* at) {
  const __m256i line_end = _mm256_set1_epi8('\n');
  const auto ends = [&](const char* from) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), line_end)));
  };
  return ends(at) | std::uint64_t{ends(at + vector_bytes)} << 32U;
}

/// The most starts that are taken for a head's because the text ends as a head does.
constexpr std::size_t lines_trusted_max = 32;

/// The last start that find_lines fills: behind it is room for what is written too much, and for a vector that is read.
constexpr std::size_t last_start = base::header_lines_max;
static_assert(std::tuple_size_v<LineStarts> >= last_start + 2 * starts_at_once + starts_per_vector);

/// The starts behind the line ends of two blocks, appended: what is written too much is overwritten by the next.
class Starts {
 public:
  explicit Starts(LineStarts& start) : out_(start.data()), last_(out_ + last_start) {}
  /// Shape: `from` is where the first block begins. False when there is no room.
  [[gnu::always_inline]] bool append(std::size_t from, std::uint64_t a, std::uint64_t b) {
    const auto a_count = static_cast<std::size_t>(std::popcount(a));
    const auto b_count = static_cast<std::size_t>(std::popcount(b));
    if ((a_count | b_count) > starts_at_once) [[unlikely]]
      return append_many(from, a) && append_many(from + block_bytes, b);
    write(out_, from, a);
    write(out_ + a_count, from + block_bytes, b);
    out_ += a_count + b_count;
    return out_ <= last_;
  }
  [[nodiscard]] std::size_t count(const LineStarts& start) const { return static_cast<std::size_t>(out_ - start.data()); }

 private:
  static void write(std::uint16_t* out, std::size_t from, std::uint64_t ends) {
    for (std::size_t i = 0; i < starts_at_once; ++i, ends = _blsr_u64(ends)) out[i] = static_cast<std::uint16_t>(from + 1 + _tzcnt_u64(ends));
  }
  bool append_many(std::size_t from, std::uint64_t ends) {
    for (; ends != 0; ends = _blsr_u64(ends)) {
      if (out_ == last_) return false;
      *out_++ = static_cast<std::uint16_t>(from + 1 + _tzcnt_u64(ends));
    }
    return true;
  }

  std::uint16_t* out_;
  std::uint16_t* last_;
};

/// The line ends of a whole text. False when there are more than fit.
bool append_all(std::string_view text, Starts& starts) {
  std::size_t from = 0;
  for (; from + 2 * block_bytes <= text.size(); from += 2 * block_bytes)
    if (!starts.append(from, line_ends_64(text.data() + from), line_ends_64(text.data() + from + block_bytes))) [[unlikely]]
      return false;
  // The last two blocks begin earlier, so that nothing behind the text is read; what was seen in them is taken out.
  const std::size_t tail = text.size() - 2 * block_bytes;
  const std::size_t seen = from - tail;
  const std::uint64_t a = seen < block_bytes ? line_ends_64(text.data() + tail) >> seen << seen : 0;
  const std::uint64_t b = line_ends_64(text.data() + tail + block_bytes);
  return starts.append(tail, a, seen <= block_bytes ? b : seen < 2 * block_bytes ? b >> (seen - block_bytes) << (seen - block_bytes) : 0);
}

/// The first line of one or two octets among `count` starts, or `count`.
std::size_t shortest_line(const LineStarts& start, std::size_t count) {
  for (std::size_t i = 0; i + 1 < count; i += starts_per_vector) {
    const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(start.data() + i));
    const __m256i next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(start.data() + i + 1));
    const __m256i bytes = _mm256_sub_epi16(next, here);
    const auto shortest = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi16(_mm256_min_epu16(bytes, _mm256_set1_epi16(2)), bytes)));
    // Behind `count` anything may stand.
    if (shortest != 0) return std::min(i + static_cast<std::size_t>(std::countr_zero(shortest)) / 2, count);
  }
  return count;
}

}  // namespace

std::size_t find_lines(std::string_view text, LineStarts& start) {
  Starts starts(start);
  if (text.size() < 2 * block_bytes || !append_all(text, starts)) [[unlikely]]
    return 0;
  const std::size_t count = starts.count(start);
  // Nearly every head without a body ends where the text does. An empty line before that is met when lines are named: at twice the cost, so not among many.
  const bool ends_there = count <= lines_trusted_max && text.ends_with("\r\n\r\n");
  const std::size_t empty = ends_there ? count - 2 : shortest_line(start, count);
  const bool is_empty_line =
      empty + 1 < count && start[empty] >= 2 && start[empty + 1] - start[empty] == 2 && std::memcmp(text.data() + start[empty] - 2, "\r\n\r\n", 4) == 0;
  return is_empty_line ? empty + 1 : 0;
}

namespace {

/// Lines of any shape, one line end after the other.
struct JoinedLines {
  std::string_view text;
  LineStarts& start;
  std::size_t last_line_end;
  Lines lines{};

  /// What begins behind a line end. False when it is the empty line, or one line too many.
  bool take(std::size_t at) {
    const char c = at < text.size() ? text[at] : '\0';
    const bool continues = (c == ' ' || c == '\t') && lines.count > 0 && at <= last_line_end;
    if (continues) return true;
    lines.overflow = lines.count == base::header_lines_max + 1;
    if (lines.overflow) return false;
    start[lines.count++] = static_cast<std::uint16_t>(at);
    lines.head_bytes = at;
    const std::size_t empty_bytes = c == '\n' ? 1 : c == '\r' && text.substr(at).starts_with("\r\n") ? 2 : 0;
    lines.head_bytes += empty_bytes;
    lines.terminated = empty_bytes != 0;
    return !lines.terminated;
  }
  /// Those of the octets from `at` on whose bits are set.
  bool take_all(std::size_t at, std::uint64_t ends) {
    for (; ends != 0; ends = _blsr_u64(ends))
      if (!take(at + 1 + _tzcnt_u64(ends))) return false;
    return true;
  }
};

}  // namespace

Lines find_joined_lines(std::string_view text, LineStarts& start) {
  JoinedLines joined{text, start, text.rfind('\n'), {.head_bytes = text.size()}};
  std::size_t from = 0;
  for (; from + block_bytes <= text.size(); from += block_bytes)
    if (!joined.take_all(from, line_ends_64(text.data() + from))) return joined.lines;
  for (from = text.find('\n', from); from != std::string_view::npos; from = text.find('\n', from + 1))
    if (!joined.take(from + 1)) return joined.lines;
  return joined.lines;
}

}  // namespace viaduct::sip
