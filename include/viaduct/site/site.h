// SPDX-License-Identifier: Apache-2.0
// All that a worker needs to know to decide and to answer, as one immutable snapshot: homes, domains, policy, keys, prebuilt texts.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/assign/homes.h"
#include "viaduct/base/address.h"
#include "viaduct/base/link.h"
#include "viaduct/sip/token.h"
#include "viaduct/sip/uri.h"
#include "viaduct/site/host_filter.h"
#include "viaduct/site/limits.h"

namespace viaduct::site {

/// An address and port that this node serves.
struct Listener {
  base::Endpoint endpoint;
  std::string host;                  ///< the address as it stands in a Via of ours: IPv6 in brackets
  std::string via_prefix;            ///< `Via: SIP/2.0/UDP ADDRESS:PORT;branch=`
  std::string uri_end;               ///< `@ADDRESS:PORT;lr`: a URI of ours behind its token
  base::Link link;                    ///< where its packets come from and go to
  std::size_t position{};            ///< among those of its link and IP version

  /// Shape: `by` is the link that leads to that address, or any.
  [[nodiscard]] bool reaches(const base::Address& a, base::Link by) const {
    return a.is_v4() == endpoint.address.is_v4() && (by == base::Link::any() || by == link);
  }
  /// Whether what comes to the one can leave from the other for the same place.
  [[nodiscard]] bool is_beside(const Listener& other) const { return reaches(other.endpoint.address, other.link); }
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
  std::vector<std::string> crossings;               ///< of each listener, towards each other: `Via: SIP/2.0/UDP EGRESS;in=INGRESS;branch=`
  std::vector<std::string> node_names;              ///< lower case
  std::vector<base::Address> node_addresses;        ///< that are names of this node, too, and no listener's
  assign::Homes homes;
  assign::HomeIndex local_home{assign::no_home};    ///< the home that is this node
  sip::Domains domains;
  HostFilter route_hosts;                           ///< names of this node and of homes, and domains
  RedirectPolicy redirect{};
  bool is_stale{};                                  ///< what the fleet has changed since may be unknown here: nobody is redirected
  std::string redirect_status_line;
  bool trust_all_proxies{};
  std::vector<base::Prefix> trusted_proxies;        ///< from these a second Via counts
  bool redirect_all_sources{};
  std::vector<base::Prefix> redirect_from;
  PathPolicy path{};
  bool record_route{true};                          ///< proxied requests that may begin a dialog get our Record-Route
  std::vector<base::Prefix> edges;
  std::vector<base::Prefix> watcher_prefixes;       ///< from these anybody's registrations may be watched
  base::Key128 fleet_seed{};
  sip::SigningKeys keys;
  Limits limits;
  std::string server_header;                        ///< `Server: ...` CRLF, or empty
  std::string redirect_end;                         ///< behind the address in a redirect's Contact: `>` CRLF, server_header, Content-Length, empty line
  std::string service_route;                        ///< `Service-Route: ...` CRLF for the registrar's answers, or empty (RFC 3608)
  std::string options_headers;                      ///< Allow, Allow-Events, Accept, Supported, Server

  /// Fills route_hosts from what it is made of.
  void collect_route_hosts();
  /// Sets server_header and what holds it.
  void set_server_header(std::string line);
  /// The listener of that endpoint; nullptr when it is none of ours.
  [[nodiscard]] const Listener* listener(const base::Endpoint& e) const {
    for (const Listener& l : listeners)
      if (l.endpoint == e) return &l;
    return nullptr;
  }
  /// Whether an address is one that a listener has on that link.
  [[nodiscard]] bool has_address(const base::Address& a, base::Link link) const;
  /// Fills the listeners' positions, and crossings.
  void relate_listeners();
  /// The listener that sends what came to `ingress` and goes to that address by that link: itself when it can, else of those who can one on
  /// its link before others, and one of its position before others; nullptr when none can.
  [[nodiscard]] const Listener* egress(const Listener& ingress, const base::Address& to, base::Link by) const {
    if (ingress.reaches(to, by)) [[likely]]
      return &ingress;
    return crossed(ingress, to, by);
  }
  /// The first listener that reaches that address; nullptr when none does.
  [[nodiscard]] const Listener* egress(const base::Address& to, base::Link by) const;
  /// The same for a response whose top Via is `via`, one of ours: what came to the listener that it names goes back from there (RFC 3581 4).
  [[nodiscard]] const Listener* egress_back(const Listener& ingress, std::string_view via, const base::Address& to, base::Link by) const;
  /// How our Via begins in what came to `ingress` and leaves from `egress`.
  [[nodiscard]] const std::string& via_prefix(const Listener& ingress, const Listener& egress) const {
    if (&ingress == &egress) [[likely]]
      return egress.via_prefix;
    return crossings[number_of(ingress) * listeners.size() + number_of(egress)];
  }
  [[nodiscard]] std::size_t number_of(const Listener& l) const { return static_cast<std::size_t>(&l - listeners.data()); }

 private:
  [[nodiscard]] const Listener* crossed(const Listener& ingress, const base::Address& to, base::Link by) const;
};

}  // namespace viaduct::site
