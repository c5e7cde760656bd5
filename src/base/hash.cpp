// SPDX-License-Identifier: Apache-2.0
// The compare of what is secret; the hashes stand in their headers.
#include "viaduct/base/hash.h"

namespace viaduct::base {

bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace viaduct::base
