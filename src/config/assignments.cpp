// SPDX-License-Identifier: Apache-2.0
// Lines of an assignments file, CSV: aor,home[,pin]. What an AoR means, and whether a home is known, is the caller's business.
#include "viaduct/base/limits.h"
#include "viaduct/config/config.h"

namespace viaduct::config {
namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Take one quoted field off the front, RFC 4180 2 rule 7: `""` is one quote. False when it does not end.
bool take_quoted(std::string_view& rest, std::string& field) {
  rest.remove_prefix(1);
  while (true) {
    const std::size_t quote = rest.find('"');
    if (quote == rest.npos) return false;
    field.append(rest.substr(0, quote));
    const bool is_doubled = rest.substr(quote + 1).starts_with('"');
    rest.remove_prefix(quote + (is_doubled ? 2 : 1));
    if (!is_doubled) return true;
    field += '"';
  }
}

/// The fields of a line; an error's text when it is not CSV.
std::expected<std::vector<std::string>, std::string> fields_of(std::string_view line) {
  std::vector<std::string> fields;
  std::string_view rest = line;
  while (true) {
    std::string& field = fields.emplace_back();
    if (const std::size_t first = rest.find_first_not_of(blanks); first != rest.npos) rest.remove_prefix(first);
    const bool quoted = rest.starts_with('"');
    if (quoted && !take_quoted(rest, field)) return std::unexpected("a quoted field does not end; allowed: \"...\" on one line");
    const std::size_t comma = rest.find(',');
    const auto plain = trimmed(rest.substr(0, comma));
    if (quoted && !plain.empty()) return std::unexpected("text behind a quoted field; allowed: a comma or the line's end");
    if (!quoted) field = plain;
    if (comma == rest.npos) return fields;
    rest.remove_prefix(comma + 1);
  }
}

/// The fields of a row; none when the line is no row.
std::expected<std::vector<std::string>, std::string> row_fields(std::string_view line) {
  if (line.size() > base::assignment_line_bytes_max)
    return std::unexpected("too long; allowed: up to " + std::to_string(base::assignment_line_bytes_max) + " octets");
  const auto text = trimmed(line);
  if (text.empty() || text.starts_with('#')) return {};
  return fields_of(text);
}

std::expected<AssignmentRow, std::string> row_of(std::vector<std::string> fields) {
  if (fields.size() < 2 || fields.size() > 3) return std::unexpected(std::to_string(fields.size()) + " fields; allowed: aor,home or aor,home,pin");
  AssignmentRow row{std::move(fields[0]), std::move(fields[1])};
  if (row.aor.empty()) return std::unexpected("aor: is empty; allowed: an address-of-record, as sip:alice@example.com");
  if (row.home.empty()) return std::unexpected("home: is empty; allowed: the name of a home");
  if (fields.size() == 3 && !fields[2].empty() && fields[2] != "pin")
    return std::unexpected("pin: \"" + fields[2] + "\" is not known; allowed: pin, or nothing");
  row.pin = fields.size() == 3 && !fields[2].empty();
  return row;
}

}  // namespace

std::expected<std::optional<AssignmentRow>, std::string> read_assignment(std::string_view line) {
  auto fields = row_fields(line);
  if (!fields) return std::unexpected(fields.error());
  if (fields->empty() || (fields->size() >= 2 && (*fields)[0] == "aor" && (*fields)[1] == "home")) return std::nullopt;
  return row_of(std::move(*fields));
}

std::expected<std::optional<std::string>, std::string> read_aor(std::string_view line) {
  auto fields = row_fields(line);
  if (!fields) return std::unexpected(fields.error());
  if (fields->empty() || fields->front() == "aor") return std::nullopt;
  if (fields->front().empty()) return std::unexpected("aor: is empty; allowed: an address-of-record, as sip:alice@example.com");
  return std::move(fields->front());
}

}  // namespace viaduct::config
