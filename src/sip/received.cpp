// SPDX-License-Identifier: Apache-2.0
// How received and rport are found, 32 octets of the Via value at a time, and written.
#include "received.h"

#include <immintrin.h>

#include <bit>
#include <cstring>

namespace viaduct::sip {
namespace {

constexpr std::size_t block_bytes = 32;

/// 32 octets, of which only `bytes` may be read when they are fewer; the rest reads as zero.
__m256i load_block(const char* from, std::size_t bytes) {
  if (bytes >= block_bytes) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  alignas(block_bytes) std::array<char, block_bytes> copy{};
  std::memcpy(copy.data(), from, bytes);
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(copy.data()));
}

std::uint32_t equal_mask(__m256i block, char letter) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8(letter))));
}

bool is_lws(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// True when `text` starts with that name, in any case, and the name ends there.
bool starts_with_name(std::string_view text, std::string_view name) {
  if (text.size() < name.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if ((text[i] | 0x20) != name[i]) return false;
  if (text.size() == name.size()) return true;
  const char next = text[name.size()];
  return next == '=' || next == ';' || is_lws(next);
}

/// What follows a semicolon: LWS may stand before the name (RFC 3261 25.1, SEMI).
bool is_received_or_rport(std::string_view text) {
  while (!text.empty() && is_lws(text[0])) text.remove_prefix(1);
  if (text.empty() || (text[0] | 0x20) != 'r') return false;
  return starts_with_name(text, "rport") || starts_with_name(text, "received");
}

}  // namespace

void ReceivedParams::load() {
  const char* const from = via_.data() + loaded_;
  const __m256i block = load_block(from, static_cast<std::size_t>(readable_end_ - from));
  marks_ = equal_mask(block, ';') | equal_mask(block, '"') | equal_mask(block, '\\');
  const std::size_t left = via_.size() - loaded_;
  if (left < block_bytes) marks_ &= (std::uint32_t{1} << left) - 1;
  loaded_ += block_bytes;
}

/// The next semicolon outside quotes, or the value's end.
std::size_t ReceivedParams::next_semicolon() {
  while (true) {
    while (marks_ == 0) {
      if (loaded_ >= via_.size()) return via_.size();
      load();
    }
    const std::size_t at = loaded_ - block_bytes + static_cast<std::size_t>(std::countr_zero(marks_));
    marks_ &= marks_ - 1;
    if (in_quotes_ && at == escaped_) continue;
    if (via_[at] == '"') in_quotes_ = !in_quotes_;
    if (via_[at] == '\\') escaped_ = at + 1;
    if (via_[at] == ';' && !in_quotes_) return at;
  }
}

bool ReceivedParams::next(ReceivedParam& out) {
  if (semicolon_ == std::string_view::npos) semicolon_ = next_semicolon();
  while (semicolon_ < via_.size()) {
    const std::size_t begin = semicolon_;
    semicolon_ = next_semicolon();
    if (!is_received_or_rport(via_.substr(begin + 1, semicolon_ - begin - 1))) continue;
    out = {begin, semicolon_};
    return true;
  }
  return false;
}

std::string_view write_received(const base::Endpoint& source, ReceivedText& out) {
  return {out.data(), static_cast<std::size_t>(put_received(source, out.data()) - out.data())};
}

}  // namespace viaduct::sip
