// SPDX-License-Identifier: Apache-2.0
// What pieces are hashed for under a fleet key: begins each hash, so that none can stand for another.
#pragma once
#include <cstdint>
#include <utility>

namespace viaduct::sip {

enum class Label : std::uint32_t { call = 1, reply_tag, transaction, target, via, loop, route, proxy_require, place, home_proof, path, record_route };
constexpr std::uint32_t number(Label label) { return std::to_underlying(label); }

}  // namespace viaduct::sip
