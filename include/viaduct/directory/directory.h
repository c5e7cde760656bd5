// SPDX-License-Identifier: Apache-2.0
// The directory that tells clients their first server: the fleet's edges as DNS records, for one moment. Pure; whoever knows how the edges are makes the next one.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/base/address.h"

namespace viaduct::directory {

/// An edge as clients find it: one name, one port.
struct Edge {
  std::string name;  ///< host name, lower case, no dot at its end
  std::vector<base::Address> addresses;  ///< one or two, of each IP version one at the most
  std::uint16_t port{5060};
  std::uint16_t weight{100};  ///< its share beside the others', when all are idle; not 0
  bool operator==(const Edge&) const = default;
};

/// `draining`: it serves whom it has, and shall get nobody new. `down`: it does not answer.
enum class State : std::uint8_t { up, draining, down };
[[nodiscard]] std::string_view name(State s);

/// How an edge is.
struct Standing {
  State state{};
  double headroom_ratio{1};  ///< how much of its time it has left, 0 to 1; 1 where nobody knows
};

/// What is said of an edge in SRV records (RFC 2782): clients take the lowest priority that answers, and within it each edge as often as its weight says.
struct Offer {
  bool is_made{};
  std::uint16_t priority{};
  std::uint16_t weight{};
  bool operator==(const Offer&) const = default;
};

/// One offer an edge: those that are down are left out, those that drain come last, and the others have their weight by how much of their time is left, in
/// twentieths. When all are down all are offered: then it is rather the one who looks that is cut off.
[[nodiscard]] std::vector<Offer> offers(std::span<const Edge> edges, std::span<const Standing> standings);

struct Settings {
  std::vector<Edge> edges;
  std::vector<std::string> zones;  ///< that the directory answers for; none within another. Names: lower case, no dot at the end
  std::vector<std::string> domains;  ///< that are served, under all their names
  std::vector<std::string> nameservers;  ///< of every zone
  std::uint32_t ttl_s{30};
  bool operator==(const Settings&) const = default;
};

struct Record {
  std::string_view type;  ///< "SRV" ...
  std::string content;  ///< as in a zone file, its names with a dot at the end
};

/// Within the zones: for every served domain, and for every zone, NAPTR (SIP+D2U), SRV of `_sip._udp`, and for clients that ask for neither the addresses of
/// the edges that are offered first and at port 5060; for every edge its addresses; for every zone SOA and NS. Source: RFC 3263 4.1 and 4.2, RFC 3403, RFC 2782.
class Directory {
 public:
  /// `standings`: one an edge. `serial`: of every zone (RFC 1035 3.3.13).
  Directory(Settings settings, std::span<const Standing> standings, std::uint32_t serial);

  using Records = std::vector<Record>;
  /// Records of a name, in any case, with or without a dot at its end; none for a name that only has others below it. nullptr: there is no such name.
  [[nodiscard]] const Records* find(std::string_view name) const;
  /// Every name of a zone, and its records, by name.
  [[nodiscard]] const std::map<std::string, Records>& names() const { return names_; }
  /// The zone that a name lies in; empty: in none.
  [[nodiscard]] std::string_view zone_of(std::string_view name) const;
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] std::span<const Offer> offers() const { return offers_; }
  [[nodiscard]] std::uint32_t serial() const { return serial_; }
  /// Whether clients of that domain are served, under whichever name.
  [[nodiscard]] bool serves(std::string_view domain) const;

 private:
  void add(const std::string& name, std::string_view type, std::string content);
  void add_addresses(const std::string& name, const Edge& edge);
  void add_services(const std::string& owner);

  Settings settings_;
  std::vector<Offer> offers_;
  std::uint32_t serial_;
  std::map<std::string, Records> names_;
};

/// Whether a name is a zone's own, or lies below it. Shape: both lower case, without a dot at the end.
[[nodiscard]] bool lies_in(std::string_view name, std::string_view zone);

}  // namespace viaduct::directory
