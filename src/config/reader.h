// SPDX-License-Identifier: Apache-2.0
// A TOML file read strictly: typed values with their places, known keys only, every refusal as `file:line: key: what; allowed: range`.
#pragma once
#include <toml++/toml.h>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace viaduct::config {

/// Thrown inside this area to leave a reader, and caught by load(): it never crosses the area's edge.
struct Refused {
  std::string text;
};

/// Where a value stands: what an error about it says.
struct Place {
  const std::filesystem::path* file{};
  std::size_t line{1};
  std::string key;
  [[noreturn]] void refuse(std::string_view what, std::string_view allowed) const;
};

/// A string value and its place.
struct Item {
  Place place;
  std::string text;
  [[noreturn]] void refuse(std::string_view what, std::string_view allowed) const { place.refuse(what, allowed); }
  /// The same, `what` being said of the text: `"TEXT" what`.
  [[noreturn]] void refuse_text(std::string_view what, std::string_view allowed) const;
};

/// The inclusive range of a number.
struct Range {
  std::int64_t least;
  std::int64_t most;
};

/// One table of the file. A reader first says which keys the table may have, so that a misspelt required key is named as such.
class Table {
 public:
  Table(const std::filesystem::path& file, const toml::table* table, std::string path, std::size_t line);

  /// Refuse every key that is not in `known`, naming the nearest one that is.
  void only(const std::vector<std::string>& known) const;
  /// The key's place; the table's own when the key is absent.
  [[nodiscard]] Place place(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;
  /// Whether the table itself stands in the file.
  [[nodiscard]] bool is_given() const { return table_ != nullptr; }

  [[nodiscard]] std::optional<std::int64_t> number(std::string_view key, Range range) const;
  /// The number as a T, `fallback` when absent. Shape: the range lies within T.
  template <std::integral T>
  [[nodiscard]] T number(std::string_view key, Range range, T fallback) const {
    return static_cast<T>(number(key, range).value_or(static_cast<std::int64_t>(fallback)));
  }
  [[nodiscard]] std::vector<std::pair<Place, std::int64_t>> numbers(std::string_view key, Range range) const;
  [[nodiscard]] bool flag(std::string_view key, bool fallback) const;
  /// `allowed` names what the string must be, for the error about a value of another type.
  [[nodiscard]] std::optional<Item> item(std::string_view key, std::string_view allowed) const;
  [[nodiscard]] Item required_item(std::string_view key, std::string_view allowed) const;
  /// A string or an array of strings; empty when absent.
  [[nodiscard]] std::vector<Item> items(std::string_view key, std::string_view allowed) const;
  /// A string, integer or boolean, as text.
  [[nodiscard]] std::optional<Item> scalar(std::string_view key) const;
  /// One of the names in `choices`.
  template <typename T>
  [[nodiscard]] T choice(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices, T fallback) const;

  /// A table within; empty, with this table's line, when absent.
  [[nodiscard]] Table child(std::string_view key) const;
  /// The tables of an array of tables.
  [[nodiscard]] std::vector<Table> children(std::string_view key) const;
  /// Every key of a table of free names, in the file's order.
  [[nodiscard]] std::vector<std::string> keys() const;

 private:
  [[nodiscard]] const toml::node* find(std::string_view key) const { return table_ == nullptr ? nullptr : table_->get(key); }
  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[noreturn]] static void refuse_type(const Place& at, const toml::node& node, std::string_view allowed);
  [[nodiscard]] static std::int64_t number_at(const Place& at, const toml::node& node, Range range);

  const std::filesystem::path* file_;
  const toml::table* table_;   // null: absent
  std::string path_;
  std::size_t line_;
};

/// A parsed file; its tables borrow from it. Throws Refused when it cannot be read or is not TOML.
class Document {
 public:
  explicit Document(std::filesystem::path file);
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;
  [[nodiscard]] Table root() const { return {file_, &table_, "", 1}; }
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  toml::table table_;
};

/// `name, name or name`, quoted: the allowed part of an error.
[[nodiscard]] std::string list_of(const std::vector<std::string>& names);

template <typename T>
T Table::choice(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices, T fallback) const {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) names.emplace_back('"' + std::string{name} + '"');
  const std::string allowed = list_of(names);
  const auto chosen = item(key, allowed);
  if (!chosen) return fallback;
  for (const auto& [name, value] : choices)
    if (chosen->text == name) return value;
  chosen->refuse_text("is not known", allowed);
}

}  // namespace viaduct::config
