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

void compare_lines(std::string_view text, std::ostream& report) {
  if (text.size() < vector_bytes) return;
  LineStarts fast, slow;
  const Lines a = find_lines(text, fast);
  if (a.overflow) return;  // it gives up, and the scalar code decides
  // Folds are left to whoever reads the lines.
  std::vector<std::uint16_t> joined;
  for (std::size_t i = 0; i < a.count; ++i)
    if (i == 0 || (text[fast[i]] != ' ' && text[fast[i]] != '\t')) joined.push_back(fast[i]);
  const Lines b = find_joined_lines(text, slow);
  const bool too_many = joined.size() > base::header_lines_max + 1;
  const bool same = b.overflow ? too_many : joined.size() == b.count && a.head_bytes == b.head_bytes && a.terminated == b.terminated;
  if (!same || !std::equal(joined.begin(), joined.begin() + static_cast<std::ptrdiff_t>(b.count), slow.begin()))
    report << "line starts differ: " << joined.size() << " and " << b.count << ", head " << a.head_bytes << " and " << b.head_bytes << '\n';
}

}  // namespace

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
  compare_lines(text, report);
  return report.str();
}

}  // namespace viaduct::ref
