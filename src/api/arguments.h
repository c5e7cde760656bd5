// SPDX-License-Identifier: Apache-2.0
// Numbers of a request within their bounds.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace viaduct::api {

template <typename Number>
struct Range {
  Number least{}, most{};
};
inline constexpr Range<std::uint32_t> any_number{0, std::numeric_limits<std::uint32_t>::max()};

/// A whole number, if the request has one of that name. Errors: std::invalid_argument, which becomes the answer, with the bounds.
[[nodiscard]] inline std::optional<std::uint32_t> whole_number(const nlohmann::json& request, const char* name, Range<std::uint32_t> allowed) {
  if (!request.contains(name)) return std::nullopt;
  const nlohmann::json& value = request[name];
  const bool is_allowed = value.is_number_unsigned() && value.get<std::uint64_t>() >= allowed.least && value.get<std::uint64_t>() <= allowed.most;
  if (!is_allowed) throw std::invalid_argument(fmt::format("{}: a whole number, {} to {}", name, allowed.least, allowed.most));
  return value.get<std::uint32_t>();
}

/// A number, if the request has one of that name. Errors: std::invalid_argument, which becomes the answer, with the bounds.
[[nodiscard]] inline std::optional<double> number(const nlohmann::json& request, const char* name, Range<double> allowed) {
  if (!request.contains(name)) return std::nullopt;
  const nlohmann::json& value = request[name];
  const bool is_allowed = value.is_number() && value.get<double>() >= allowed.least && value.get<double>() <= allowed.most;
  if (!is_allowed) throw std::invalid_argument(fmt::format("{}: a number, {} to {}", name, allowed.least, allowed.most));
  return value.get<double>();
}

}  // namespace viaduct::api
