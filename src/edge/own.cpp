// SPDX-License-Identifier: Apache-2.0
#include "own.h"

#include "hosts.h"

namespace viaduct::edge {

bool asks_notifier(const sip::Message& request) {
  if (request.method != sip::Method::subscribe) return false;
  constexpr std::string_view package = "reg";
  const std::string_view event = request.value(sip::HeaderId::event);
  if (event.empty()) return true;
  if (!event.starts_with(package)) return false;
  // Nothing behind it, a template, or what ends a token; other letters make another package.
  constexpr std::string_view tokens = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-!%*_+`'~";
  return event.size() == package.size() || !tokens.contains(event[package.size()]);
}

bool is_notifier(const Site& site, const sip::Uri& uri) { return !uri.has_user && is_here_with_port(site, uri); }

std::optional<sip::OwnRequest> own_request(const sip::Message& response, const Site& site) {
  if (response.via_values != 1) return std::nullopt;
  const auto via = sip::parse_via(response[response.top_via]);
  return via ? sip::verify_own_branch(via->branch, response.cseq_number, site.keys) : std::nullopt;
}

}  // namespace viaduct::edge
