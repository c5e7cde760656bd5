// SPDX-License-Identifier: Apache-2.0
// OPTIONS of the control core's own and whose answers come back: what asks a server whether it is alive. Who is asked when, and what silence means, is others' to say.
#pragma once
#include <cstdint>
#include <optional>

#include "viaduct/base/address.h"
#include "viaduct/sip/message.h"
#include "viaduct/site/post.h"
#include "viaduct/site/wire.h"

namespace viaduct::control {

/// Whom a probe asks: a home of the fleet, or an edge of the directory, by its number there.
struct Probed {
  enum class Kind : std::uint8_t { home, edge };
  Kind kind{};
  std::uint16_t number{};
};

/// Thread: the control core's.
class Prober {
 public:
  Prober(site::Commons& commons, site::Wire& wire);
  /// Send one. Returns its serial number, by which its answer is known; nullopt: there is no buffer, no way or no listener of that IP version.
  [[nodiscard]] std::optional<std::uint64_t> ask(Probed whom, const base::Endpoint& at);
  struct Answer {
    Probed whom;
    std::uint64_t serial{};
    std::uint16_t status{};  ///< 200 to 699
  };
  /// What a response answers, provisional ones and forged ones nothing. Takes the packet over.
  [[nodiscard]] std::optional<Answer> take(nic::Packet p);

 private:
  site::Commons& commons_;
  site::Wire& wire_;
  std::uint64_t serial_;  // the last one's
  sip::Message message_;
};

}  // namespace viaduct::control
