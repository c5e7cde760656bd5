// SPDX-License-Identifier: Apache-2.0
// Rows of cells to aligned text. What comes from the network is made harmless for a terminal here.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::cli {

/// The text with control characters replaced: a Contact must not move an operator's cursor.
[[nodiscard]] std::string harmless(std::string_view text);

/// So many characters of UTF-8 text at the most.
[[nodiscard]] std::string_view beginning(std::string_view text, std::size_t characters);

/// A table under its header: numbers to the right, everything else to the left, two blanks between columns.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.size() == 1; }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;   // the first is the header
};

/// Names and values, the values aligned.
class Facts {
 public:
  void add(std::string name, std::string value) { facts_.emplace_back(std::move(name), std::move(value)); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace viaduct::cli
