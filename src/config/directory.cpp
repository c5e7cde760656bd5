// SPDX-License-Identifier: Apache-2.0
// [directory] and [[directory.edge]]: which edges clients are told of, under which names, and who may ask.
#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "sections.h"
#include "values.h"
#include "viaduct/base/limits.h"
#include "viaduct/directory/directory.h"

namespace viaduct::config {
namespace {

constexpr std::string_view name_text = "a host name (letters, digits, '-', '.', up to 253 octets), not an address";
constexpr std::string_view zone_text = "a domain name (letters, digits, '-', '_', '.', up to 253 octets), not an address";

using directory::lies_in;

bool is_address(std::string_view host) { return host.starts_with('[') || base::Address::parse(host); }

std::string host_name(const Item& item) {
  auto name = host(item);
  if (is_address(name)) item.refuse_text("is an address", name_text);
  return name;
}

/// As a host name, but that its first labels may begin with `_` as those of services do (RFC 2782).
std::string zone_name(const Item& item) {
  Item below = item;
  std::string services;
  while (below.text.starts_with('_')) {
    const std::size_t dot = below.text.find('.');
    const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; };
    if (dot == below.text.npos || dot == 1 || !std::all_of(below.text.begin() + 1, below.text.begin() + dot, is_letter))
      item.refuse_text("is not a domain name", zone_text);
    services += below.text.substr(0, dot + 1);
    below.text.erase(0, dot + 1);
  }
  std::ranges::transform(services, services.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return services + host_name(below);
}

void read_zones(const Table& directory, Config& config) {
  auto& zones = config.directory.zones;
  const auto add = [&](std::string zone, const auto& refuse) {
    for (const std::string& other : zones)
      if (lies_in(zone, other) || lies_in(other, zone))
        refuse(std::string("lies in \"").append(zone.size() < other.size() ? zone : other).append("\" as well"));
    zones.push_back(std::move(zone));
  };
  for (const Item& item : directory.items("zones", zone_text))
    add(zone_name(item), [&](const std::string& what) { item.refuse_text(what, "zones none of which lies in another"); });
  if (directory.has("zones")) return;
  for (const std::string& domain : config.domains)
    if (!is_address(domain))
      add(domain, [&](const std::string& what) {
        directory.place("zones").refuse(std::string("is missing, and the served domain \"").append(domain).append("\" ").append(what),
                                        "zones none of which lies in another");
      });
  if (zones.empty()) directory.place("zones").refuse("is missing, and no served domain is a name", zone_text);
}

void read_nameservers(const Table& directory, Config& config) {
  for (const Item& item : directory.items("nameservers", name_text)) {
    const std::string& server = config.directory.nameservers.emplace_back(host_name(item));
    for (const std::string& zone : config.directory.zones)
      if (lies_in(server, zone)) item.refuse_text("lies in the zone \"" + zone + "\", where nobody knows its address", "a name outside of directory.zones");
  }
  if (config.directory.nameservers.empty())
    directory.place("nameservers").refuse("is missing", "the host names of the DNS servers that ask this node, which stand in the zones' NS records");
}

void read_addresses(const Table& table, DirectoryEdge& edge) {
  const auto items = table.items("address", endpoint_text);
  if (items.empty()) table.place("address").refuse("is missing", endpoint_text);
  for (const Item& item : items) {
    const auto at = endpoint(item);
    for (const base::Endpoint& other : edge.addresses) {
      if (other.address.is_v4() == at.address.is_v4())
        item.refuse_text(at.address.is_v4() ? "is a second IPv4 address" : "is a second IPv6 address", "one address a family");
      if (other.port != at.port) item.refuse_text("has another port than the one before", "one port: an SRV record has no other");
    }
    edge.addresses.push_back(at);
  }
}

DirectoryEdge read_edge(const Table& table, const Config& config) {
  table.only({"name", "address", "weight", "probe", "draining", "control"});
  DirectoryEdge edge;
  edge.name = host_name(table.required_item("name", name_text));
  read_addresses(table, edge);
  edge.weight = table.number<std::uint16_t>("weight", {1, 65535}, edge.weight);
  edge.is_probed = table.flag("probe", true);
  edge.is_draining = table.flag("draining", false);
  if (const auto control = table.item("control", control_text)) {
    edge.control = control_endpoint(*control);
    if (config.fleet_keys.empty()) control->refuse("needs fleet.keys, which authenticate who calls", "none without fleet.keys");
  }
  return edge;
}

/// It is asked at an address that there is a way to, or not at all.
void check_way(const Table& table, const Config& config, const DirectoryEdge& edge) {
  if (!edge.is_probed) return;
  for (const base::Endpoint& at : edge.addresses) {
    const auto fault = fault_of_home(config, at);
    if (!fault || std::ranges::find(config.listen, at, &Listen::endpoint) != config.listen.end()) return;
  }
  table.place("address").refuse("cannot be reached from this node", "one that can, or probe = false");
}

}  // namespace

void read_directory(const Table& directory, Config& config) {
  directory.only({"zones", "nameservers", "ttl_s", "socket", "group", "listen", "edge"});
  if (!directory.is_given()) return;
  const auto edges = directory.children("edge");
  if (edges.empty()) directory.place("edge").refuse("is missing", "one [[directory.edge]] or more");
  if (edges.size() > base::directory_edges_max)
    directory.place("edge").refuse("stands " + std::to_string(edges.size()) + " times", "up to " + std::to_string(base::directory_edges_max) + " edges");
  read_zones(directory, config);
  read_nameservers(directory, config);
  std::unordered_set<std::string> names;
  for (const Table& table : edges) {
    const DirectoryEdge& edge = config.directory.edges.emplace_back(read_edge(table, config));
    if (!names.insert(edge.name).second) table.place("name").refuse('"' + edge.name + "\" is given twice", "each name once");
    check_way(table, config, edge);
  }
  config.directory.ttl_s = directory.number<std::uint32_t>("ttl_s", {1, 86'400}, config.directory.ttl_s);
  DirectoryAccess& access = config.directory_access.emplace();
  const auto socket = directory.item("socket", "the path of a Unix socket");
  access.socket = socket ? from_folder_of(config.file, socket->text) : config.runtime_dir / (config.node_name + "-dns.sock");
  if (const auto group = directory.item("group", "the name of a group")) access.group = group->text;
  if (const auto listen = directory.item("listen", control_text)) access.http = control_endpoint(*listen);
}

}  // namespace viaduct::config
