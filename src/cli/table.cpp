// SPDX-License-Identifier: Apache-2.0
// How wide a column is, and on which side its cells stand.
#include "table.h"

#include <algorithm>

namespace viaduct::cli {
namespace {

constexpr std::string_view gap = "  ";

bool begins_character(char octet) { return (static_cast<unsigned char>(octet) & 0xc0U) != 0x80U; }

/// Characters of UTF-8 text.
std::size_t width_of(std::string_view text) { return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character)); }

bool is_number(std::string_view cell) { return cell.find_first_not_of("0123456789.%-") == cell.npos; }

std::string padded(std::string_view cell, std::size_t width, bool to_right) {
  std::string out(width - std::min(width, width_of(cell)), ' ');
  out.insert(to_right ? out.size() : 0, cell);
  return out;
}

std::string without_trailing_blanks(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string out{text};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if (c < ' ' || c == 0x7f) out[i] = '?';
    // U+0080 to U+009F, the other control characters: 0x9b alone is what ESC [ is in two.
    const bool is_c1 = c == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0;
    if (is_c1) out.replace(i, 2, "?");
  }
  return out;
}

std::string_view beginning(std::string_view text, std::size_t characters) {
  std::size_t end = 0;
  for (std::size_t begun = 0; end < text.size(); ++end)
    if (begins_character(text[end]) && ++begun > characters) break;
  return text.substr(0, end);
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths(rows_[0].size());
  std::vector<bool> to_right(rows_[0].size(), rows_.size() > 1);
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (std::size_t c = 0; c < widths.size(); ++c) {
      widths[c] = std::max(widths[c], width_of(rows_[r][c]));
      if (r > 0 && !is_number(rows_[r][c])) to_right[c] = false;
    }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < widths.size(); ++c) {
      if (c > 0) line += gap;
      line += padded(harmless(row[c]), widths[c], to_right[c]);
    }
    out += without_trailing_blanks(std::move(line)) + '\n';
  }
  return out;
}

std::string Facts::text() const {
  std::size_t width = 0;
  for (const auto& [name, value] : facts_) width = std::max(width, width_of(name));
  std::string out;
  for (const auto& [name, value] : facts_) out += without_trailing_blanks(padded(name, width, false).append(gap) + harmless(value)) + '\n';
  return out;
}

}  // namespace viaduct::cli
