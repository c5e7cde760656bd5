// SPDX-License-Identifier: Apache-2.0
// Drawing the line: bar, count, rate, time left.
#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "bars.h"

namespace viaduct::cli {

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  if (is_drawn_) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::show(std::string_view phase, double ratio, std::uint64_t count) {
  const auto now = Clock::now();
  if (!is_terminal_ || now - drawn_ < std::chrono::milliseconds(200)) return;
  drawn_ = now;
  is_drawn_ = true;
  const double seconds = std::max(std::chrono::duration<double>(now - began_).count(), 0.001);
  std::fprintf(stderr, "\r\x1b[K%.*s %s %llu, %.0f/s", static_cast<int>(phase.size()), phase.data(), ratio < 0 ? "" : progress_bar(ratio).c_str(),
               static_cast<unsigned long long>(count), static_cast<double>(count) / seconds);
  if (ratio > 0) std::fprintf(stderr, ", %.0f s left", seconds / ratio - seconds);
  std::fflush(stderr);
}

}  // namespace viaduct::cli
