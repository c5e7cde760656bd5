// SPDX-License-Identifier: Apache-2.0
// What is sent for a message, and, from the reference's reading of it and line by line, what has to be sent: a redirect, a forward, a response taken back.
#pragma once
#include <string>
#include <string_view>

#include "viaduct/base/address.h"

namespace viaduct::ref {

/// A Via value without its received and rport parameters, and with those of `source` behind it: octet by octet, quotes respected.
std::string reference_via(std::string_view via, const base::Endpoint& source);

/// The 302 to a request that came from `source`. Empty when it cannot be answered.
std::string redirected(std::string_view datagram, const base::Endpoint& source);
std::string expected_redirect(std::string_view datagram, const base::Endpoint& source);

/// The branch of the Via that a forward adds here: key letter x, zeros for T, L and M.
inline constexpr std::string_view our_branch_text = "z9hG4bKxaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// The request as it is forwarded, planned. Empty when it is none that may be, or asks for more edits than there may be.
std::string forwarded(std::string_view datagram, const base::Endpoint& source);
/// The same done in place. Empty also when it must be planned.
std::string forwarded_in_place(std::string_view datagram, const base::Endpoint& source);
std::string expected_forward(std::string_view datagram, const base::Endpoint& source);

/// The response as it is sent on. Empty when it is none with a second Via.
std::string returned(std::string_view datagram);
std::string expected_return(std::string_view datagram);

/// Do all of it that the datagram allows. Returns the first lines that differ from what has to be sent; empty when all is well.
std::string edit_differences(std::string_view datagram);

}  // namespace viaduct::ref
