// SPDX-License-Identifier: Apache-2.0
// Every class from every octet, the ends of both found; and line starts, folds joined.
#include "scans.h"

#include <algorithm>
#include <sstream>
#include <vector>

#include "sip/scan.h"

namespace viaduct::ref {
namespace {

using namespace sip;

template <const CharClass& C>
void compare_runs(const char* name, std::string_view text, std::ostream& report) {
  const Reach reach{text.data(), text.data() + text.size()};
  RunEnds<C> ends(reach);
  for (const char* at = reach.begin; at <= reach.end; ++at) {
    const char* const end = run_scalar<C>(at, reach.end);
    if (run<C>(at, reach) != end) report << "run of " << name << " at " << at - reach.begin << " differs\n";
    if (ends.run(at) != end) report << "run of " << name << " at " << at - reach.begin << " differs among many\n";
  }
}

bool is_empty_line(std::string_view text, std::size_t at) { return text.substr(at).starts_with("\n") || text.substr(at).starts_with("\r\n"); }

/// Line starts as whoever names the lines takes them: without folds, and up to the first empty line.
std::vector<std::uint16_t> header_starts(std::string_view text, std::size_t count, const LineStarts& start) {
  std::vector<std::uint16_t> starts;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && (text[start[i]] == ' ' || text[start[i]] == '\t')) continue;
    starts.push_back(start[i]);
    if (is_empty_line(text, start[i])) break;
  }
  return starts;
}

void compare_lines(std::string_view text, std::ostream& report) {
  if (text.size() < vector_bytes) return;
  LineStarts fast, slow;
  const std::size_t count = find_lines(text, fast);
  if (count == 0) return;  // it gives up, and the scalar code decides
  const std::vector<std::uint16_t> starts = header_starts(text, count, fast);
  const Lines b = find_joined_lines(text, slow);
  const std::size_t empty = starts.back();
  const std::size_t head_bytes = empty + (text[empty] == '\n' ? 1 : 2);
  const bool too_many = starts.size() > base::header_lines_max + 1;
  const bool same = b.overflow ? too_many : starts.size() == b.count && head_bytes == b.head_bytes && b.terminated;
  if (!same || !std::equal(starts.begin(), starts.begin() + static_cast<std::ptrdiff_t>(b.count), slow.begin()))
    report << "line starts differ: " << starts.size() << " and " << b.count << ", head " << head_bytes << " and " << b.head_bytes << '\n';
}

}  // namespace

std::string line_differences(std::string_view text) {
  std::ostringstream report;
  compare_lines(text, report);
  return report.str();
}

std::string scan_differences(std::string_view text) {
  std::ostringstream report;
  // Longer texts would only be the same again, and take the square of the time.
  const std::string_view runs = text.substr(0, 512);
  compare_runs<token_octet>("token_octet", runs, report);
  compare_runs<word_octet>("word_octet", runs, report);
  compare_runs<display_octet>("display_octet", runs, report);
  compare_runs<quoted_octet>("quoted_octet", runs, report);
  compare_runs<param_octet>("param_octet", runs, report);
  compare_runs<uri_octet>("uri_octet", runs, report);
  compare_runs<bare_uri_octet>("bare_uri_octet", runs, report);
  compare_runs<host_octet>("host_octet", runs, report);
  compare_runs<user_octet>("user_octet", runs, report);
  compare_runs<uri_param_octet>("uri_param_octet", runs, report);
  compare_runs<any_uri_octet>("any_uri_octet", runs, report);
  return report.str() + line_differences(text);
}

}  // namespace viaduct::ref
