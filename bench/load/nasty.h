// SPDX-License-Identifier: Apache-2.0
// The nastiest messages that we can think of, each one kind of content and nothing else, to bound what any message can cost.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "viaduct/base/limits.h"

namespace viaduct::bench {

/// Octets: a usual packet, one whose longest line is as long as it may be, and the largest message.
inline constexpr std::array<std::size_t, 3> nasty_sizes = {1400, 4500, base::message_bytes_max};

struct NastyMessage {
  std::string name;
  std::string text;
};

/// Every kind at exactly that many octets, cut where it does not come out even. Shape: bytes from 600 to base::message_bytes_max.
[[nodiscard]] std::vector<NastyMessage> nasty_messages(std::size_t bytes);

}  // namespace viaduct::bench
