// SPDX-License-Identifier: Apache-2.0
#include "etcd_rows.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "block.h"
#include "etcd_json.h"
#include "viaduct/base/limits.h"

namespace viaduct::store::etcd {
namespace {

constexpr unsigned format = 1;
constexpr std::size_t number_digits = 10, index_digits = 4;
/// Any will do, and all nodes have the same.
constexpr base::Key128 id_key{};

std::string padded(std::uint64_t value, std::size_t digits, int base = 10) {
  std::array<char, 20> text{};
  const char* end = std::to_chars(text.begin(), text.end(), value, base).ptr;
  const auto written = static_cast<std::size_t>(end - text.data());
  return std::string(digits - std::min(digits, written), '0').append(text.data(), written);
}
std::string hex(const base::Hash128& value) { return padded(value.high, 16, 16) + padded(value.low, 16, 16); }

std::optional<std::uint64_t> of_hex(std::string_view text, std::size_t digits) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return text.size() == digits && error == std::errc() && end == text.data() + digits ? std::optional(out) : std::nullopt;
}

std::uint32_t checksum_of(std::uint32_t number, std::string_view id, std::string_view octets) {
  return crc32c(octets, crc32c(id, crc32c(padded(number, number_digits))));
}

std::uint64_t parts_of(std::uint64_t octets) { return octets <= inline_bytes_max ? 0 : (octets + part_bytes - 1) / part_bytes; }

/// Numbers and texts of a row, nullopt where there is none of the kind.
std::optional<std::uint64_t> number(const json& row, const char* name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_number_unsigned() ? std::optional(found->get<std::uint64_t>()) : std::nullopt;
}
std::string_view text(const json& row, const char* name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_string() ? std::string_view(found->get_ref<const std::string&>()) : std::string_view();
}

}  // namespace

std::string Keys::item(std::uint64_t number) const { return items() + padded(number, number_digits); }
std::string Keys::parts(std::uint64_t number) const { return parts() + padded(number, number_digits); }
std::string Keys::parts(std::uint32_t number, std::string_view id) const { return parts(number).append("/").append(id).append("/"); }
std::string Keys::part(std::uint32_t number, std::string_view id, std::uint32_t index) const { return parts(number, id) + padded(index, index_digits); }

std::optional<std::uint32_t> Keys::number_of(std::string_view key) const {
  for (const std::string& folder : {items(), parts()})
    if (key.starts_with(folder))
      if (const auto found = etcd::number_of(key.substr(folder.size(), number_digits), std::numeric_limits<std::uint32_t>::max()))
        return static_cast<std::uint32_t>(*found);
  return std::nullopt;
}

std::string text_of(const Mark& mark) { return json{{"mark", hex(mark.log)}, {"first", mark.first}, {"format", format}}.dump(); }

Result<Mark> mark_of(std::string_view row) {
  const std::unexpected corrupt(Error{Fault::corrupt, "etcd: the fleet's log has a mark that cannot be read"});
  const json read = json::parse(row, nullptr, false);
  if (!read.is_object()) return corrupt;
  const auto its_format = number(read, "format"), first = number(read, "first");
  if (its_format > format) return std::unexpected(Error{Fault::format, "etcd: the fleet's log is in a format that this build does not read"});
  const std::string_view mark = text(read, "mark");
  if (its_format != format || mark.size() != 32 || !first || *first == 0 || *first > std::numeric_limits<std::uint32_t>::max()) return corrupt;
  const auto high = of_hex(mark.substr(0, 16), 16), low = of_hex(mark.substr(16), 16);
  if (!high || !low) return corrupt;
  return Mark{.log = {.low = *low, .high = *high}, .first = static_cast<std::uint32_t>(*first)};
}

std::string id_of(std::string_view octets, std::string_view node) {
  const base::Hash128 of_octets = base::siphash128(id_key, octets);
  return hex(base::siphash128(id_key, hex(of_octets).append(node)));
}

Head head_of(const LogItem& item, std::string id) {
  const std::uint32_t checksum = checksum_of(item.number, id, item.octets);
  return {.octets = item.octets.size(), .parts = static_cast<std::uint32_t>(parts_of(item.octets.size())), .checksum = checksum, .id = std::move(id)};
}

std::string text_of(const Head& head, const LogItem& item) {
  std::string out = json{{"octets", head.octets}, {"parts", head.parts}, {"checksum", padded(head.checksum, 8, 16)}, {"id", head.id}}.dump() + '\n';
  if (head.parts == 0) out += item.octets;
  return out;
}

std::optional<ItemRow> item_row_of(std::string_view row) {
  const std::size_t line = row.find('\n');
  if (line == std::string_view::npos) return std::nullopt;
  const json said = json::parse(row.substr(0, line), nullptr, false);
  if (!said.is_object()) return std::nullopt;
  const std::string_view octets = row.substr(line + 1), id = text(said, "id");
  const auto count = number(said, "octets"), parts = number(said, "parts"), checksum = of_hex(text(said, "checksum"), 8);
  if (!count || !parts || !checksum || id.empty() || *count > base::shared_log_item_bytes_max || *parts != parts_of(*count)) return std::nullopt;
  if (octets.size() != (*parts == 0 ? *count : 0)) return std::nullopt;
  return ItemRow{
      .head = {.octets = *count, .parts = static_cast<std::uint32_t>(*parts), .checksum = static_cast<std::uint32_t>(*checksum), .id = std::string(id)},
      .octets = octets};
}

bool is_whole(const Head& head, std::uint32_t number, std::string_view octets) {
  return octets.size() == head.octets && checksum_of(number, head.id, octets) == head.checksum;
}

}  // namespace viaduct::store::etcd
