// SPDX-License-Identifier: Apache-2.0
// All that a worker needs to know to decide and to answer, as one immutable snapshot: homes, domains, policy, keys, prebuilt texts.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "viaduct/assign/homes.h"
#include "viaduct/base/address.h"
#include "viaduct/sip/token.h"
#include "viaduct/sip/uri.h"
#include "viaduct/site/limits.h"

namespace viaduct::site {

/// An address and port that this node serves.
struct Listener {
  base::Endpoint endpoint;
  std::string host;         ///< the address as text: how a Via of ours names us
  std::string via_prefix;   ///< `Via: SIP/2.0/UDP ADDRESS:PORT;branch=`
  std::string uri_end;      ///< `@ADDRESS:PORT;lr`: a URI of ours behind its token
};

/// True when any prefix contains the address.
[[nodiscard]] inline bool any_contains(const std::vector<base::Prefix>& prefixes, const base::Address& a) {
  for (const base::Prefix& p : prefixes)
    if (p.contains(a)) return true;
  return false;
}

/// `single_via`: clients that reached us directly, unless they are known not to follow; `listed`: only those known to follow; `always`: whatever is known.
enum class RedirectPolicy : std::uint8_t { single_via, listed, always, never };
/// Whether a proxied REGISTER gets our Path: `supported` when its Supported has `path` (RFC 3327 5.1).
enum class PathPolicy : std::uint8_t { always, supported, never };

/// Thread: immutable once published; swapped whole on reload.
struct Site {
  std::vector<Listener> listeners;
  std::vector<std::string> node_names;              ///< lower case
  assign::Homes homes;
  assign::HomeIndex local_home{assign::no_home};    ///< the home that is this node
  sip::Domains domains;
  RedirectPolicy redirect{};
  std::string redirect_status_line;
  bool trust_all_proxies{};
  std::vector<base::Prefix> trusted_proxies;        ///< from these a second Via counts
  bool redirect_all_sources{};
  std::vector<base::Prefix> redirect_from;
  PathPolicy path{};
  bool record_route{true};                          ///< proxied requests that may begin a dialog get our Record-Route
  std::vector<base::Prefix> edges;
  base::Key128 fleet_seed{};
  sip::SigningKeys keys;
  Limits limits;
  std::string server_header;                        ///< `Server: ...` CRLF, or empty
  std::string redirect_end;                         ///< behind the address in a redirect's Contact: `>` CRLF, server_header, Content-Length, empty line
  std::string options_headers;                      ///< Allow, Accept, Supported, Server
  std::vector<base::Prefix> on_link;
  base::Address gateway;                            ///< unset: none

  /// Sets server_header and what holds it.
  void set_server_header(std::string line);
  /// The listener of that endpoint; nullptr when it is none of ours.
  [[nodiscard]] const Listener* listener(const base::Endpoint& e) const {
    for (const Listener& l : listeners)
      if (l.endpoint == e) return &l;
    return nullptr;
  }
  /// Where a packet for that address goes on the link: itself, or the gateway; unset when there is no way.
  [[nodiscard]] const base::Address& next_hop(const base::Address& destination) const { return any_contains(on_link, destination) ? destination : gateway; }
};

}  // namespace viaduct::site
