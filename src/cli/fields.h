// SPDX-License-Identifier: Apache-2.0
// Fields of the daemon's answers as text. A path walks into objects: `a/b`; a field that an answer lacks reads `-`.
#pragma once
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace viaduct::cli {

class TextTable;

/// The field at a path; null when it is not there.
[[nodiscard]] const nlohmann::json& field(const nlohmann::json& from, std::string_view path);
/// A value as text: elements of a list joined by commas, booleans yes and no.
[[nodiscard]] std::string as_text(const nlohmann::json& value);
/// A field as a cell.
[[nodiscard]] std::string cell(const nlohmann::json& from, std::string_view path);
/// A field as a number; 0 when it is none.
[[nodiscard]] double number(const nlohmann::json& from, std::string_view path);
/// A field of octets in MiB.
[[nodiscard]] std::string mebibytes(const nlohmann::json& from, std::string_view path);
[[nodiscard]] std::string percent(double ratio);
/// With so many digits behind the point.
[[nodiscard]] std::string decimal(double value, int digits = 1);
/// Seconds as `1d 02:03:04`.
[[nodiscard]] std::string duration(double seconds);
/// Seconds since 1970 as local time.
[[nodiscard]] std::string moment(const nlohmann::json& at_s);
/// How much a home wants now: `50% less`, `100/s`; `-`: all that comes.
[[nodiscard]] std::string asked(const nlohmann::json& home);
/// A list as lines under its title; nothing when it is empty.
[[nodiscard]] std::string bullets(const std::string& title, const nlohmann::json& list);
/// A row of an object's fields.
void add_row(TextTable& table, const nlohmann::json& from, std::initializer_list<std::string_view> paths);

}  // namespace viaduct::cli
