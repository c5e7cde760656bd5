// SPDX-License-Identifier: Apache-2.0
#include "viaduct/sip/mark.h"

#include <cstring>

namespace viaduct::sip {

void write_mark(std::uint64_t mark, std::span<char, mark_bytes> out) {
  std::memcpy(out.data(), mark_name.data(), mark_name.size());
  write_base32(mark, out.last<base32_64_bytes>());
}

std::optional<std::uint64_t> read_mark(std::string_view via) {
  const std::size_t at = via.find(mark_name);
  if (at == via.npos) return std::nullopt;
  const std::string_view value = via.substr(at + mark_name.size(), base32_64_bytes);
  return value.size() == base32_64_bytes ? read_base32(value) : std::nullopt;
}

}  // namespace viaduct::sip
