// SPDX-License-Identifier: Apache-2.0
// [node], [network] and [exception]: what this node is called, where it listens, which CPUs it takes, how it reaches its neighbours, and the kernel's share.
#include <sched.h>
#include <sys/un.h>

#include <algorithm>

#include "sections.h"
#include "values.h"
#include "viaduct/base/limits.h"

namespace viaduct::config {
namespace {

constexpr std::size_t node_name_bytes_max = 32;  // it stands in EAL's file prefix, the socket's path and each log line

/// The CPUs that the calling thread may run on, ascending.
std::vector<unsigned> affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> out;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) out.push_back(cpu);
  return out;
}

bool is_own(const Config& config, const base::Endpoint& at) {
  return std::any_of(config.listen.begin(), config.listen.end(), [&](const Listen& own) { return own.endpoint == at; });
}

void read_listen(const Table& node, Config& config) {
  const auto items = node.items("listen", listen_text);
  if (items.size() > base::listeners_max) node.place("listen").refuse("lists " + std::to_string(items.size()), "1 to " + std::to_string(base::listeners_max));
  for (const auto& item : items) {
    const auto at = placed(item, config, listen_text);
    const Listen own{.endpoint = endpoint(at.value), .link = at.link.value_or(base::Link{})};
    if (is_own(config, own.endpoint)) item.refuse_text("is given twice", "each address and port once");
    config.listen.push_back(own);
  }
  if (config.listen.empty()) node.place("listen").refuse("is missing", "one or more of " + std::string{listen_text});
}

void read_cpus(const Table& node, Config& config) {
  const auto cpus = node.numbers("worker_cpus", {0, cpu_max});
  for (const auto& [place, cpu] : cpus) config.worker_cpus.push_back(static_cast<unsigned>(cpu));
  if (cpus.size() > base::workers_max) node.place("worker_cpus").refuse("lists " + std::to_string(cpus.size()), "1 to " + std::to_string(base::workers_max));
  config.workers = node.number("workers", {1, base::workers_max}, std::max(1U, static_cast<unsigned>(cpus.size())));
  config.control_cpu = node.number("control_cpu", {0, cpu_max}, 0U);
  if (!node.has("worker_cpus")) {
    config.worker_cpus = spread(config.workers, config.control_cpu);
  } else if (cpus.size() != config.workers) {
    node.place("worker_cpus").refuse("lists " + std::to_string(cpus.size()) + " where node.workers is " + std::to_string(config.workers), "one CPU a worker");
  }
}

void read_runtime_dir(const Table& node, Config& config) {
  const auto dir = node.item("runtime_dir", "a folder");
  config.runtime_dir = dir ? from_folder_of(config.file, dir->text) : "/run/viaduct";
  const auto socket = config.runtime_dir / (config.node_name + ".sock");
  constexpr std::size_t socket_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
  if (socket.native().size() > socket_bytes_max)
    node.place("runtime_dir")
        .refuse("makes the socket's path " + socket.string() + " too long", "a path of up to " + std::to_string(socket_bytes_max) + " octets");
}

void read_neighbours(const Table& root, Config& config) {
  for (const auto& table : root.children("neighbour")) {
    table.only({"address", "mac", "port", "vlan"});
    const auto at = table.required_item("address", address_text);
    const auto port = config.dpdk.ports.size() > 1 ? table.required_item("port", "a [[dpdk.port]]'s name") : table.item("port", "a [[dpdk.port]]'s name");
    const base::Link link{port ? port_number(*port, config) : 0, table.number<std::uint16_t>("vlan", {1, base::vlan_max}, 0)};
    const Neighbour neighbour{.address = address(at), .link = link, .mac = mac(table.required_item("mac", mac_text))};
    for (const auto& other : config.neighbours)
      if (other.address == neighbour.address && other.link == neighbour.link) at.refuse_text("is given twice", "each address once on a link");
    config.neighbours.push_back(neighbour);
  }
}

/// The link of a next hop, which is on one, and somebody else's: that of the smallest prefix of the node's own that holds it, else of the neighbour.
base::Link link_of_hop(const Item& item, const base::Address& hop, const Config& config) {
  if (std::any_of(config.listen.begin(), config.listen.end(), [&](const auto& own) { return own.endpoint.address == hop; }))
    item.refuse_text("is this node's own", "the address of another host");
  const OnLink* narrowest = nullptr;
  for (const OnLink& l : config.on_link)
    if (l.prefix.contains(hop) && (narrowest == nullptr || l.prefix.bits > narrowest->prefix.bits)) narrowest = &l;
  if (narrowest != nullptr) return narrowest->link;
  const auto n = std::find_if(config.neighbours.begin(), config.neighbours.end(), [&](const auto& known) { return known.address == hop; });
  const bool is_one_port = config.dpdk.ports.size() < 2;
  if (n != config.neighbours.end()) return is_one_port ? base::Link::any() : n->link;
  if (!is_one_port || !base::link_local_v6.contains(hop)) item.refuse_text("is not on-link", "an address in network.prefix or of a [[neighbour]]");
  return base::Link::any();
}

void read_on_link(const Item& item, Config& config) {
  const auto at = placed(item, config, link_prefix_text);
  const OnLink own{.prefix = prefix(at.value), .link = at.link.value_or(base::Link::any())};
  if (std::ranges::any_of(config.on_link, [&](const OnLink& l) { return l.prefix == own.prefix; }))
    item.refuse_text("is given twice", "each prefix once, on one link");
  config.on_link.push_back(own);
}

void read_way(const Item& item, Config& config) {
  constexpr std::string_view word = " via ";
  const std::size_t at = item.text.find(word);
  if (at == item.text.npos) item.refuse_text("has no \"via\"", way_text);
  const auto via = address({item.place, item.text.substr(at + word.size())});
  const auto to = prefix({item.place, item.text.substr(0, at)});
  if (to.address.is_v4() != via.is_v4()) item.refuse_text("mixes the IP versions", way_text);
  if (std::ranges::any_of(config.ways, [&](const Way& w) { return w.to == to; })) item.refuse_text("is a second way to that prefix", "each prefix once");
  config.ways.push_back({.to = to, .via = via, .link = link_of_hop(item, via, config)});
}

void read_gateway(const Item& item, Config& config) {
  const auto via = address(item);
  const base::Prefix& to = via.is_v4() ? base::whole_v4 : base::whole_v6;
  const auto is_same = [&](const Way& w) { return w.to == to; };
  if (std::any_of(config.ways.begin(), config.ways.end(), is_same))
    item.refuse_text(via.is_v4() ? "is a second IPv4 gateway" : "is a second IPv6 gateway", "one a family");
  config.ways.push_back({.to = to, .via = via, .link = link_of_hop(item, via, config)});
}

}  // namespace

std::vector<unsigned> spread(unsigned cores, unsigned control_cpu) {
  // Asked once, at start: a reload runs on a thread that is bound to one CPU by then.
  static const std::vector<unsigned> at_start = affinity();
  auto cpus = at_start;
  std::rotate(cpus.begin(), std::upper_bound(cpus.begin(), cpus.end(), control_cpu), cpus.end());
  std::vector<unsigned> out(cores);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = cpus[i % cpus.size()];
  return out;
}

void read_node(const Table& node, Config& config) {
  node.only({"name", "listen", "names", "runtime_dir", "workers", "worker_cpus", "control_cpu", "burst_pkts", "idle"});
  config.node_name = label(node.required_item("name", label_text(node_name_bytes_max)), node_name_bytes_max);
  read_listen(node, config);
  for (const auto& item : node.items("names", host_text)) config.node_names.push_back(host(item));
  read_runtime_dir(node, config);
  read_cpus(node, config);
  config.burst_pkts = node.number("burst_pkts", {1, base::burst_pkts_max}, 32U);
}

void read_network(const Table& root, Config& config) {
  const auto network = root.child("network");
  network.only({"routes", "prefix", "route", "gateway", "mtu"});
  config.mtu_bytes = network.number("mtu", {base::mtu_bytes_min, base::mtu_bytes_max}, base::mtu_bytes);
  for (const auto& item : network.items("prefix", prefix_text)) read_on_link(item, config);
  config.routes = network.choice<Routes>("routes", {{"listed", Routes::listed}, {"kernel", Routes::kernel}}, Routes::listed);
  for (const auto* key : {"prefix", "route", "gateway"})
    if (config.routes == Routes::kernel && network.has(key)) network.place(key).refuse("is the kernel's to say", "only with network.routes = \"listed\"");
  read_neighbours(root, config);
  for (const auto& item : network.items("route", way_text)) read_way(item, config);
  for (const auto& item : network.items("gateway", address_text)) read_gateway(item, config);
}

void read_exception(const Table& exception, Config& config) {
  exception.only({"tap", "arp"});
  for (const auto& tap : exception.items("tap", interface_text)) config.exception.taps.push_back(interface(tap));
  const std::size_t ports = config.dpdk.ports.size(), taps = config.exception.taps.size();
  if (taps != 0 && taps != ports)
    exception.place("tap").refuse("has " + std::to_string(taps) + " interfaces for " + std::to_string(ports) + " ports", "one a port");
  config.exception.kernel_answers = exception.choice<bool>("arp", {{"node", false}, {"kernel", true}}, false);
  if (config.routes == Routes::kernel && config.exception.taps.empty())
    exception.place("tap").refuse("is missing", "an interface, where network.routes = \"kernel\"");
  if (config.exception.kernel_answers && config.exception.taps.empty())
    exception.place("arp").refuse("has no kernel to leave it to", "only together with exception.tap");
}

bool is_reached(const Config& config, const base::Address& a) {
  return base::link_local_v6.contains(a) || std::any_of(config.on_link.begin(), config.on_link.end(), [&](const OnLink& l) { return l.prefix.contains(a); }) ||
         std::any_of(config.ways.begin(), config.ways.end(), [&](const Way& w) { return w.to.contains(a); });
}

}  // namespace viaduct::config
