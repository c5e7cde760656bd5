// SPDX-License-Identifier: Apache-2.0
// Request lines and status lines, word by word.
#include "start.h"

#include <algorithm>

#include "field.h"
#include "header.h"
#include "uri.h"

namespace viaduct::sip {
namespace {

constexpr std::string_view version_name = "SIP/2.0";

Slice slice(std::string_view text, std::string_view part) {
  return {static_cast<std::uint16_t>(part.data() - text.data()), static_cast<std::uint16_t>(part.size())};
}

/// "SIP/" 1*DIGIT "." 1*DIGIT in any case (7.1).
bool is_version(std::string_view word) {
  Cursor c{word};
  if (!equal_ignoring_case(word.substr(0, 4), "SIP/")) return false;
  c.at += 4;
  return !c.take_run<digit_octet>().empty() && c.take('.') && !c.take_run<digit_octet>().empty() && c.done();
}

/// Method and Request-URI of a line `Method SP URI SP SIP/2.0`.
bool read_request_line(std::string_view text, std::string_view line, Message& out) {
  if (line.size() < 12 || !line.ends_with(" SIP/2.0")) return false;
  const char* const uri_end = line.data() + line.size() - 8;
  const char* const method_end = std::min(run<token_octet>(line.data(), {text.data(), text.data() + text.size()}), uri_end);
  if (method_end == line.data() || method_end + 1 >= uri_end || *method_end != ' ') return false;
  const std::string_view uri{method_end + 1, uri_end};
  if (!is_request_uri(uri, text)) return false;
  out.method_text = {0, static_cast<std::uint16_t>(method_end - line.data())};
  out.request_uri = slice(text, uri);
  return true;
}

/// The fault of a request line, and whether an answer can still be made: it can when a method stands first and a version last.
[[gnu::noinline, gnu::cold]] Start read_odd_request_line(std::string_view text, std::string_view line, Message& out) {
  constexpr std::string_view blanks = " \t";
  const char* const method_end = run<token_octet>(line.data(), {text.data(), text.data() + text.size()});
  const std::size_t method = std::min(static_cast<std::size_t>(method_end - line.data()), line.size());
  if (method == 0 || method == line.size() || line[method] != ' ') return {Bad::not_sip, false};
  out.method_text = {0, static_cast<std::uint16_t>(method)};
  std::string_view rest = line.substr(method + 1);
  const std::size_t last = rest.find_last_not_of(blanks);
  const bool trailing = last + 1 != rest.size();
  rest = rest.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const std::size_t gap = rest.find_last_of(blanks);
  const std::string_view version = gap == std::string_view::npos ? rest : rest.substr(gap + 1);
  if (!is_version(version)) return {Bad::start_line, false};
  if (trailing || gap == std::string_view::npos || rest[gap] != ' ') return {Bad::start_line, true};
  const std::string_view uri = rest.substr(0, gap);
  out.request_uri = slice(text, uri);
  if (uri.empty() || uri.find_first_of(blanks) != std::string_view::npos) return {Bad::start_line, true};
  if (!equal_ignoring_case(version, version_name)) return {Bad::version, true};
  return {is_request_uri(uri, text) ? Bad::none : Bad::request_uri, true};
}

/// SIP-Version SP Status-Code SP Reason-Phrase; the second SP may be missing where no phrase follows.
Start read_status_line(std::string_view line, Message& out) {
  const std::size_t gap = std::min(line.find(' '), line.size());
  const std::string_view version = line.substr(0, gap);
  if (!is_version(version)) return {Bad::start_line, false};
  if (!equal_ignoring_case(version, version_name)) return {Bad::version, true};
  const std::string_view rest = line.substr(std::min(gap + 1, line.size()));
  const auto digits = static_cast<std::size_t>(run_scalar<digit_octet>(rest.data(), rest.data() + rest.size()) - rest.data());
  if (digits != 3 || rest[0] < '1' || rest[0] > '6') return {Bad::status_code, true};
  if (rest.size() > 3 && rest[3] != ' ') return {Bad::status_code, true};
  out.status = static_cast<std::uint16_t>((rest[0] - '0') * 100 + (rest[1] - '0') * 10 + (rest[2] - '0'));
  return {Bad::none, true};
}

}  // namespace

Start read_start_line(std::string_view text, std::string_view line, Message& out) {
  out.is_request = !equal_ignoring_case(line.substr(0, 4), "SIP/");
  if (!out.is_request) return read_status_line(line, out);
  const Start start = read_request_line(text, line, out) ? Start{Bad::none, true} : read_odd_request_line(text, line, out);
  out.method = find_method(text.substr(0, out.method_text.bytes));
  return start;
}

}  // namespace viaduct::sip
