// SPDX-License-Identifier: Apache-2.0
// URIs by the reference: the canonical address-of-record, and whether two are equal, both the slow way.
#pragma once
#include <string>
#include <string_view>

namespace viaduct::ref {

/// The canonical form among example.com and example.net, alias.example.org standing for the former; `uri_syntax` or `uri_scheme` when there is none.
std::string canonical_aor(const std::string& uri);
bool equal_uris(const std::string& a, const std::string& b);
/// A parameter stands in it twice, which RFC 3261 19.1.1 forbids: then equality means nothing.
bool repeats_parameters(const std::string& uri);

/// Hold sip against the reference on both and on the pair, and each by itself against the same within a text. Returns what differs, one a line; empty when all is well.
std::string uri_differences(std::string_view a, std::string_view b);

}  // namespace viaduct::ref
