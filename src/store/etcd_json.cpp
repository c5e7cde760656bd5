// SPDX-License-Identifier: Apache-2.0
#include "etcd_json.h"

#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace viaduct::store::etcd {
namespace {

/// Elements and members of one answer: a dozen a row.
constexpr std::ptrdiff_t answer_values_max = 100'000;

std::optional<std::string> octets_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::string();
  return found->is_string() ? octets_of(found->get_ref<const std::string&>()) : std::nullopt;
}

std::optional<Row> row_of(const json& kv) {
  if (!kv.is_object()) return std::nullopt;
  auto key = octets_in(kv, "key"), value = octets_in(kv, "value");
  const auto created = number_in(kv, "create_revision"), lease = number_in(kv, "lease");
  if (!key || !value || !created || !lease) return std::nullopt;
  return Row{.key = std::move(*key), .value = std::move(*value), .created = *created, .lease = *lease};
}

/// Of one thing that a transaction did.
std::optional<std::vector<Row>> rows_of(const json& response) {
  std::vector<Row> out;
  if (!response.is_object()) return std::nullopt;
  const auto range = response.find("response_range");
  if (range == response.end()) return out;
  if (!range->is_object()) return std::nullopt;
  const auto kvs = range->find("kvs");
  if (kvs == range->end()) return out;
  if (!kvs->is_array()) return std::nullopt;
  for (const json& kv : *kvs) {
    auto row = row_of(kv);
    if (!row) return std::nullopt;
    out.push_back(std::move(*row));
  }
  return out;
}

json compare(const char* target, std::string_view key) { return {{"key", base64(key)}, {"target", target}, {"result", "EQUAL"}}; }

}  // namespace

std::string base64(std::string_view octets) {
  std::string out((octets.size() + 2) / 3 * 4 + 1, '\0');   // and the zero that is written behind it
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(octets.data()), static_cast<int>(octets.size()));
  out.resize(static_cast<std::size_t>(written));
  return out;
}

std::optional<std::string> octets_of(std::string_view base64) {
  if (base64.size() % 4 != 0 || base64.size() > std::numeric_limits<int>::max()) return std::nullopt;
  if (base64.empty()) return std::string();
  const std::size_t padding = base64.size() - (base64.find_last_not_of('=') + 1);
  // The decoder takes padding for zero bits wherever it stands, and passes over white space.
  if (padding > 2 || base64.find('=') < base64.size() - padding) return std::nullopt;
  std::string out(base64.size() / 4 * 3, '\0');
  const int read =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(base64.data()), static_cast<int>(base64.size()));
  if (read < 0 || static_cast<std::size_t>(read) != out.size()) return std::nullopt;
  out.resize(out.size() - padding);
  return out;
}

std::optional<std::uint64_t> number_of(std::string_view decimal, std::uint64_t max) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(decimal.data(), decimal.data() + decimal.size(), out);
  return error == std::errc() && end == decimal.data() + decimal.size() && out <= max ? std::optional(out) : std::nullopt;
}

std::string end_of(std::string_view beginning) {
  std::string out(beginning);
  ++out.back();
  return out;
}

json value_is(std::string_view key, std::string_view value) {
  json out = compare("VALUE", key);
  out["value"] = base64(value);
  return out;
}
json created_at(std::string_view key, std::int64_t revision) {
  json out = compare("CREATE", key);
  out["create_revision"] = std::to_string(revision);
  return out;
}
json held_by(std::string_view key, std::int64_t lease) {
  json out = compare("LEASE", key);
  out["lease"] = std::to_string(lease);
  return out;
}

json put(std::string_view key, std::string_view value, std::int64_t lease) {
  return {{"requestPut", {{"key", base64(key)}, {"value", base64(value)}, {"lease", std::to_string(lease)}}}};
}
json get(std::string_view key) { return {{"requestRange", {{"key", base64(key)}}}}; }
json get_range(std::string_view key, std::string_view end, std::uint32_t limit, bool keys_only) {
  return {{"requestRange", {{"key", base64(key)}, {"range_end", base64(end)}, {"limit", std::to_string(limit)}, {"keys_only", keys_only}}}};
}
json erase_range(std::string_view key, std::string_view end) { return {{"requestDeleteRange", {{"key", base64(key)}, {"range_end", base64(end)}}}}; }

std::optional<std::int64_t> number_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return 0;
  if (!found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  const auto out = number_of(text, std::numeric_limits<std::int64_t>::max());
  return out ? std::optional(static_cast<std::int64_t>(*out)) : std::nullopt;
}

std::optional<Outcome> outcome_of(const json& answer, std::size_t things_when_held, std::size_t things_otherwise) {
  if (!answer.is_object() || !answer.contains("header")) return std::nullopt;
  Outcome out;
  if (const auto held = answer.find("succeeded"); held != answer.end()) {
    if (!held->is_boolean()) return std::nullopt;
    out.held = held->get<bool>();
  }
  const std::size_t things = out.held ? things_when_held : things_otherwise;
  const auto responses = answer.find("responses");
  if (responses == answer.end()) return things == 0 ? std::optional(out) : std::nullopt;
  if (!responses->is_array() || responses->size() != things) return std::nullopt;
  for (const json& response : *responses) {
    auto rows = rows_of(response);
    if (!rows) return std::nullopt;
    out.rows.push_back(std::move(*rows));
  }
  return out;
}

std::optional<json> answer_of(std::string_view text) {
  // Base64 has none of these.
  if (std::ranges::count_if(text, [](char c) { return c == ',' || c == '[' || c == '{'; }) > answer_values_max) return std::nullopt;
  json out = json::parse(text, nullptr, false);
  return out.is_object() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace viaduct::store::etcd
