// SPDX-License-Identifier: Apache-2.0
// From an answer's fields to text.
#include "fields.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "table.h"

namespace viaduct::cli {

using nlohmann::json;

const json& field(const json& from, std::string_view path) {
  static const json none;
  const json* at = &from;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string key{path.substr(0, slash)};
    if (!at->is_object() || !at->contains(key)) return none;
    at = &(*at)[key];
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  return *at;
}

std::string as_text(const json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty() ? "-" : value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_null()) return "-";
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const auto& element : value) out += (out.empty() ? "" : ", ") + as_text(element);
  return out.empty() ? "-" : out;
}

std::string mebibytes(const json& from, std::string_view path) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MiB", number(from, path) / (1024 * 1024));
  return text.data();
}

std::string percent(double ratio) { return std::to_string(std::lround(ratio * 100)) + " %"; }

std::string decimal(double value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string moment(const json& at_s) {
  if (!at_s.is_number()) return "-";
  const auto seconds = at_s.get<std::time_t>();
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return text.data();
}

void add_row(TextTable& table, const json& from, std::initializer_list<std::string_view> paths) {
  std::vector<std::string> row;
  for (const auto path : paths) row.push_back(cell(from, path));
  table.add(std::move(row));
}

std::string cell(const json& from, std::string_view path) { return as_text(field(from, path)); }

double number(const json& from, std::string_view path) {
  const auto& value = field(from, path);
  return value.is_number() ? value.get<double>() : 0;
}

std::string duration(double seconds) {
  const auto whole = std::llround(seconds);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%lldd %02lld:%02lld:%02lld", whole / 86400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
  return text.data();
}

std::string asked(const json& home) {
  const json asks = home.is_object() ? home.value("asks", json()) : json();
  if (!asks.is_object()) return "-";
  return cell(asks, "value") + (cell(asks, "algorithm") == "loss" ? "% less" : "/s");
}

std::string bullets(const std::string& title, const json& list) {
  std::string out;
  for (const auto& line : list) out += "  - " + harmless(as_text(line)) + '\n';
  return out.empty() ? "" : title + '\n' + out;
}

}  // namespace viaduct::cli
