// SPDX-License-Identifier: Apache-2.0
// What is for this node's own: SUBSCRIBEs for registrations to its notifier, and the answers to its NOTIFYs and its probes. Pure.
#pragma once
#include "viaduct/edge/judge.h"

namespace viaduct::edge {

/// A SUBSCRIBE for the package reg or a template on it, or for none: the notifier's to answer (RFC 6665 4.2.1.1, RFC 3680). Other packages are the telephones'.
[[nodiscard]] bool asks_notifier(const sip::Message& request);

/// Whether a URI is the Contact that the notifier gives itself, an address of this node without a user: what a SUBSCRIBE in a dialog with it is sent to.
[[nodiscard]] bool is_notifier(const Site& site, const sip::Uri& uri);

/// Which request of this node's own a response answers; nullopt: none.
[[nodiscard]] std::optional<sip::OwnRequest> own_request(const sip::Message& response, const Site& site);

/// The part of a client's key that a branch of ours has: enough to say whose shard it is.
[[nodiscard]] constexpr sip::ClientKey shard_key(const sip::OwnRequest& own) { return {.low = 0, .high = std::uint64_t{own.sender} << 32}; }

/// Whether a response to a request of this node's own, `s.is_to_us`, is the control core's and no shard's.
[[nodiscard]] constexpr bool is_for_control(const Subject& s) { return s.client.high >> 32 == sip::control_sender; }

}  // namespace viaduct::edge
