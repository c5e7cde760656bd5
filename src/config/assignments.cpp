// SPDX-License-Identifier: Apache-2.0
// The assignments file, CSV read line by line: aor,home[,pin]. What an AoR means, and whether a home is known, is the reader's caller's business.
#include <fstream>

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

bool is_header(const std::vector<std::string>& fields) { return fields.size() >= 2 && fields[0] == "aor" && fields[1] == "home"; }

std::expected<AssignmentRow, std::string> row_of(std::vector<std::string> fields) {
  if (fields.size() < 2 || fields.size() > 3) return std::unexpected(std::to_string(fields.size()) + " fields; allowed: aor,home or aor,home,pin");
  AssignmentRow row{std::move(fields[0]), std::move(fields[1])};
  if (row.aor.empty()) return std::unexpected("aor: is empty; allowed: an address-of-record, as sip:alice@example.com");
  if (row.home.empty()) return std::unexpected("home: is empty; allowed: the name of a [[home]]");
  if (fields.size() == 3 && !fields[2].empty() && fields[2] != "pin")
    return std::unexpected("pin: \"" + fields[2] + "\" is not known; allowed: pin, or nothing");
  row.pin = fields.size() == 3 && !fields[2].empty();
  return row;
}

/// One line into `rows`; an error's text when it is neither a row nor something to skip.
std::expected<void, std::string> read_line(std::string_view line, bool may_be_header, std::size_t number, std::vector<AssignmentRow>& rows) {
  if (line.size() > base::assignment_line_bytes_max)
    return std::unexpected("too long; allowed: up to " + std::to_string(base::assignment_line_bytes_max) + " octets");
  const auto text = trimmed(line);
  if (text.empty() || text.starts_with('#')) return {};
  auto fields = fields_of(text);
  if (!fields) return std::unexpected(fields.error());
  if (may_be_header && is_header(*fields)) return {};
  auto row = row_of(std::move(*fields));
  if (!row) return std::unexpected(row.error());
  row->line = number;
  rows.push_back(std::move(*row));
  return {};
}

}  // namespace

std::expected<std::vector<AssignmentRow>, Error> load_assignments(const std::filesystem::path& file) {
  std::error_code failure;
  std::ifstream in{file, std::ios::binary};
  if (!in || !std::filesystem::is_regular_file(file, failure)) return std::unexpected(Error{file.string() + ":1: file: cannot be read; allowed: a CSV file"});
  std::vector<AssignmentRow> rows;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    std::string_view text = line;
    if (number == 1 && text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the byte order mark that spreadsheets write
    if (auto read = read_line(text, rows.empty(), number, rows); !read)
      return std::unexpected(Error{file.string() + ':' + std::to_string(number) + ": " + read.error()});
  }
  if (in.bad()) return std::unexpected(Error{file.string() + ":1: file: could not be read to its end; allowed: a CSV file"});
  return rows;
}

}  // namespace viaduct::config
