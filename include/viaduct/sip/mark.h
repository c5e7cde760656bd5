// SPDX-License-Identifier: Apache-2.0
// A number in our Via of a request, which its answer brings back: what a stateless proxy remembers of it.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "viaduct/sip/token.h"

namespace viaduct::sip {

inline constexpr std::string_view mark_name = ";at=";
inline constexpr std::size_t mark_bytes = mark_name.size() + base32_64_bytes;
/// Write `;at=` and the number. It is not signed: whoever answers may change it, and is heard in nothing but what it says of itself.
void write_mark(std::uint64_t mark, std::span<char, mark_bytes> out);
/// The number in a Via value of ours; nullopt: none. Thread: any; pure, as write_mark.
[[nodiscard]] std::optional<std::uint64_t> read_mark(std::string_view via);

}  // namespace viaduct::sip
