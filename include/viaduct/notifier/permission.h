// SPDX-License-Identifier: Apache-2.0
// Who may watch whose registrations, and whether he has shown that he receives where he asks from: nobody's NOTIFYs are sent to somebody else.
#pragma once
#include "viaduct/assign/locations.h"
#include "viaduct/location/bindings.h"
#include "viaduct/site/site.h"

namespace viaduct::notifier {

/// A SUBSCRIBE before it is believed.
struct WatchRequest {
  const sip::Message& message;
  std::string_view aor;                    ///< canonical, of the client that is to be watched
  base::Endpoint flow;                     ///< its source
  const assign::Location* location{};      ///< of that client; null: not registered here
  const assign::Location* seen{};          ///< the same elsewhere; null: not that it is known
};

enum class Permission : std::uint8_t {
  granted,
  after_proof,   ///< its own client's, who has not shown that he receives there: a digest would
  refused        ///< another's
};

/// Servers in `watcher_prefixes` may watch anybody; a client itself, shown by the flow of one of its bindings, unless other proxies stand
/// between: their flow is that of all who are behind them. Behind an edge of the fleet a flow is what
/// the edge says: its tokens in the Path of the binding and the Record-Route of the SUBSCRIBE, or the Via that it received.
[[nodiscard]] Permission may_watch(const WatchRequest& request, const site::Site& site);

/// Whether a REGISTER may imply NOTIFYs to the binding that it makes: to who has sent it, or, proven by a digest, wherever its Path leads. What comes by an edge of
/// the fleet goes back through it to the flow that its Path names.
[[nodiscard]] bool may_be_notified(const location::Registration& registration, bool is_proven, const site::Site& site);

}  // namespace viaduct::notifier
