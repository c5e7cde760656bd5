// SPDX-License-Identifier: Apache-2.0
// One packet on its way through a burst; each field says from which stage on it is valid.
#pragma once
#include <string_view>

#include "viaduct/assign/assignment.h"
#include "viaduct/edge/judge.h"
#include "viaduct/net/frame.h"
#include "viaduct/nic/packet.h"
#include "viaduct/sip/token.h"

namespace viaduct::edge {

struct Job {
  nic::Packet pkt;               ///< receive
  net::Frame frame;              ///< look
  Subject subject;               ///< index, identify
  assign::Placement placement;   ///< judge
  std::uint64_t source_key{};    ///< limit: of the packet's source, when there are limits
  Judgement judgement;           ///< judge
  std::uint64_t tag{};           ///< judge: of an answer of ours, its To tag
  std::uint64_t call{};          ///< judge: of a REGISTER that may be redirected, its Call-ID's hash
  sip::Branch branch;            ///< judge: of a request that is proxied, the branch of our Via

  /// The UDP payload.
  [[nodiscard]] std::string_view payload() const { return {reinterpret_cast<const char*>(pkt.data()) + frame.payload_offset, frame.payload_bytes}; }
};

}  // namespace viaduct::edge
