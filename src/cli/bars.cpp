// SPDX-License-Identifier: Apache-2.0
#include "bars.h"

#include <algorithm>
#include <cstddef>

namespace viaduct::cli {
namespace {

constexpr std::size_t columns = 24;

std::string marks(double count) { return std::string(static_cast<std::size_t>(count), '#'); }

}  // namespace

std::string load_bar(double load, double largest) { return marks(largest > 0 ? std::clamp(load / largest, 0.0, 1.0) * columns + 0.5 : 0); }

std::string progress_bar(double ratio) {
  const std::string done = marks(std::clamp(ratio, 0.0, 1.0) * columns);
  return '[' + done + std::string(columns - done.size(), '.') + ']';
}

}  // namespace viaduct::cli
