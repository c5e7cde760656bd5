// SPDX-License-Identifier: Apache-2.0
// Requests and answers of etcd's JSON gateway: keys and values in base64, 64-bit numbers in strings. Pure.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace viaduct::store::etcd {

using nlohmann::json;

[[nodiscard]] std::string base64(std::string_view octets);
/// Errors: nullopt when it is not all of it base64 (RFC 4648 4, padded).
[[nodiscard]] std::optional<std::string> octets_of(std::string_view base64);
/// A decimal number and nothing else. Errors: nullopt, also when it is larger than `max`.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view decimal, std::uint64_t max);

/// The end of the keys that begin so: of a range, exclusive. Shape: the last octet is not 0xff.
[[nodiscard]] std::string end_of(std::string_view beginning);

/// What a transaction compares.
[[nodiscard]] json value_is(std::string_view key, std::string_view value);
[[nodiscard]] json created_at(std::string_view key, std::int64_t revision);  ///< 0: the row is not there
[[nodiscard]] json held_by(std::string_view key, std::int64_t lease);

/// What a transaction does.
[[nodiscard]] json put(std::string_view key, std::string_view value, std::int64_t lease = 0);
[[nodiscard]] json get(std::string_view key);
[[nodiscard]] json get_range(std::string_view key, std::string_view end, std::uint32_t limit, bool keys_only = false);  ///< limit 0: all
[[nodiscard]] json erase_range(std::string_view key, std::string_view end);

struct Row {
  std::string key, value;
  std::int64_t created{};   ///< the revision that made it
  std::int64_t lease{};     ///< 0: none
};

/// What a transaction has done.
struct Outcome {
  bool held{};                          ///< whether all compares did
  std::vector<std::vector<Row>> rows;   ///< of each thing that it did; none of a put or an erasure
  /// The one row that a get has found.
  [[nodiscard]] const Row* row(std::size_t index) const { return index < rows.size() && !rows[index].empty() ? rows[index].data() : nullptr; }
};
/// Errors: nullopt when it is no such answer, or has not done as many things as it should have then.
[[nodiscard]] std::optional<Outcome> outcome_of(const json& answer, std::size_t things_when_held, std::size_t things_otherwise);

/// A 64-bit number of an answer: 0 when it is left out. Errors: nullopt.
[[nodiscard]] std::optional<std::int64_t> number_in(const json& object, const char* name);

/// An answer's text. Errors: nullopt when it is no JSON object, or one with more in it than any answer has: what it would take in memory is far beyond its octets.
[[nodiscard]] std::optional<json> answer_of(std::string_view text);

}  // namespace viaduct::store::etcd
