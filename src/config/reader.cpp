// SPDX-License-Identifier: Apache-2.0
// Typed access to one TOML table, and what is said about a value of the wrong kind or an unknown key.
#include "reader.h"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <sstream>

#include "viaduct/base/limits.h"

namespace viaduct::config {
namespace {

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a string";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "a boolean";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time";
    case toml::node_type::date_time:
      return "a date";
  }
  return "nothing";
}

/// Edits (insert, remove, replace) between two words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The known key that a wrong one was meant to be; empty when none is close enough to be worth naming.
std::string nearest(std::string_view wrong, const std::vector<std::string>& known) {
  const auto best = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) { return distance(wrong, a) < distance(wrong, b); });
  if (best == known.end() || 2 * distance(wrong, *best) > std::max(wrong.size(), best->size())) return {};
  return *best;
}

std::string joined(const std::vector<std::string>& names, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? last : std::string_view{", "};
    out += names[i];
  }
  return out;
}

std::string read_whole(const std::filesystem::path& file) {
  const Place at{&file, 1, "file"};
  std::error_code failure;
  if (!std::filesystem::is_regular_file(file, failure)) at.refuse("is not a file that can be read", "a TOML file");
  if (std::filesystem::file_size(file, failure) > base::config_bytes_max)
    at.refuse("is too large", "up to " + std::to_string(base::config_bytes_max) + " octets");
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) at.refuse("cannot be read", "a TOML file that this user may read");
  return std::move(text).str();
}

}  // namespace

std::string list_of(const std::vector<std::string>& names) { return joined(names, " or "); }

void Place::refuse(std::string_view what, std::string_view allowed) const {
  throw Refused{file->string() + ':' + std::to_string(line) + ": " + key + ": " + std::string{what} + "; allowed: " + std::string{allowed}};
}

void Item::refuse_text(std::string_view what, std::string_view allowed) const { refuse('"' + text + "\" " + std::string{what}, allowed); }

Document::Document(std::filesystem::path file) : file_(std::move(file)) {
  const std::string text = read_whole(file_);
  try {
    table_ = toml::parse(std::string_view{text});
  } catch (const toml::parse_error& error) {
    Place{&file_, std::max<std::size_t>(error.source().begin.line, 1), "syntax"}.refuse(error.description(), "TOML 1.0");
  }
}

Table::Table(const std::filesystem::path& file, const toml::table* table, std::string path, std::size_t line)
    : file_(&file), table_(table), path_(std::move(path)), line_(line) {}

std::string Table::path_of(std::string_view key) const { return path_.empty() ? std::string{key} : path_ + '.' + std::string{key}; }

Place Table::place(std::string_view key) const {
  Place at{file_, line_, path_of(key)};
  if (table_ == nullptr) return at;
  if (const auto found = table_->find(key); found != table_->end()) at.line = found->first.source().begin.line;
  return at;
}

bool Table::has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }

void Table::refuse_type(const Place& at, const toml::node& node, std::string_view allowed) { at.refuse("is " + std::string{kind_of(node)}, allowed); }

std::int64_t Table::number_at(const Place& at, const toml::node& node, Range range) {
  const std::string allowed = std::to_string(range.least) + " to " + std::to_string(range.most);
  const auto* value = node.as_integer();
  if (value == nullptr) refuse_type(at, node, "an integer from " + allowed);
  if (value->get() < range.least || value->get() > range.most) at.refuse(std::to_string(value->get()) + " is out of range", allowed);
  return value->get();
}

std::optional<std::int64_t> Table::number(std::string_view key, Range range) const {
  const auto* node = find(key);
  if (node == nullptr) return std::nullopt;
  return number_at(place(key), *node, range);
}

std::vector<std::pair<Place, std::int64_t>> Table::numbers(std::string_view key, Range range) const {
  std::vector<std::pair<Place, std::int64_t>> out;
  const auto* node = find(key);
  if (node == nullptr) return out;
  const auto* array = node->as_array();
  if (array == nullptr) refuse_type(place(key), *node, "an array of integers");
  for (const auto& element : *array) {
    Place at{file_, element.source().begin.line, path_of(key) + '[' + std::to_string(out.size()) + ']'};
    const std::int64_t value = number_at(at, element, range);
    out.emplace_back(std::move(at), value);
  }
  return out;
}

bool Table::flag(std::string_view key, bool fallback) const {
  const auto* node = find(key);
  if (node == nullptr) return fallback;
  const auto* value = node->as_boolean();
  if (value == nullptr) refuse_type(place(key), *node, "true or false");
  return value->get();
}

std::optional<Item> Table::item(std::string_view key, std::string_view allowed) const {
  const auto* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto* value = node->as_string();
  if (value == nullptr) refuse_type(place(key), *node, allowed);
  return Item{place(key), value->get()};
}

Item Table::required_item(std::string_view key, std::string_view allowed) const {
  auto found = item(key, allowed);
  if (!found) place(key).refuse("is missing", allowed);
  return std::move(*found);
}

std::vector<Item> Table::items(std::string_view key, std::string_view allowed) const {
  std::vector<Item> out;
  const auto* node = find(key);
  if (node == nullptr) return out;
  if (const auto* value = node->as_string()) return {Item{place(key), value->get()}};
  const auto* array = node->as_array();
  if (array == nullptr) refuse_type(place(key), *node, allowed);
  for (const auto& element : *array) {
    Place at{file_, element.source().begin.line, path_of(key) + '[' + std::to_string(out.size()) + ']'};
    const auto* value = element.as_string();
    if (value == nullptr) refuse_type(at, element, allowed);
    out.push_back({std::move(at), value->get()});
  }
  return out;
}

std::optional<Item> Table::scalar(std::string_view key) const {
  const auto* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* text = node->as_string()) return Item{place(key), text->get()};
  if (const auto* number = node->as_integer()) return Item{place(key), std::to_string(number->get())};
  if (const auto* flag = node->as_boolean()) return Item{place(key), flag->get() ? "1" : "0"};
  refuse_type(place(key), *node, "a string, an integer, true or false");
}

Table Table::child(std::string_view key) const {
  const auto* node = find(key);
  if (node == nullptr) return {*file_, nullptr, path_of(key), line_};
  const auto* table = node->as_table();
  if (table == nullptr) refuse_type(place(key), *node, "a table");
  return {*file_, table, path_of(key), place(key).line};
}

std::vector<Table> Table::children(std::string_view key) const {
  std::vector<Table> out;
  const auto* node = find(key);
  if (node == nullptr) return out;
  const auto* array = node->as_array();
  if (array == nullptr) refuse_type(place(key), *node, "an array of tables, [[" + std::string{key} + "]]");
  for (const auto& element : *array) {
    const std::string path = path_of(key) + '[' + std::to_string(out.size()) + ']';
    const std::size_t line = element.source().begin.line;
    const auto* table = element.as_table();
    if (table == nullptr) refuse_type(Place{file_, line, path}, element, "a table, [[" + std::string{key} + "]]");
    out.emplace_back(*file_, table, path, line);
  }
  return out;
}

std::vector<std::string> Table::keys() const {
  std::vector<std::pair<toml::source_position, std::string>> placed;
  if (table_ != nullptr)
    for (const auto& [key, node] : *table_) placed.emplace_back(key.source().begin, key.str());
  std::sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (auto& [at, key] : placed) out.push_back(std::move(key));
  return out;
}

void Table::only(const std::vector<std::string>& known) const {
  for (const auto& key : keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string meant = nearest(key, known);
    place(key).refuse(meant.empty() ? "unknown key" : "unknown key, did you mean " + meant + '?', joined(known, ", "));
  }
}

}  // namespace viaduct::config
