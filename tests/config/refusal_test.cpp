// SPDX-License-Identifier: Apache-2.0
// Faulty configurations and the exact message that each is refused with: at least one a key.
#include <gtest/gtest.h>

#include <ostream>
#include <tuple>

#include "sample.h"

namespace viaduct::config::test {
namespace {

/// What to change in the sample, and what is said then: `LINE: KEY: what; allowed: range`.
struct Fault {
  std::string_view piece;
  std::string_view by;
  std::string_view message;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.message; }

class FaultyConfig : public testing::TestWithParam<Fault> {};

TEST_P(FaultyConfig, IsRefusedWithFileLineKeyAndRange) {
  const Folder folder;
  const auto config = load_text(folder, edited(sample_config, GetParam().piece, GetParam().by));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "node.conf").string() + ':' + std::string{GetParam().message});
}

const Fault node_faults[] = {
    {"[node]", "[nodes]",
     "1: nodes: unknown key, did you mean node?; allowed: node, network, neighbour, exception, dpdk, sip, redirect, proxy, fleet, home, health, assign, store, "
     "balance, registrar, watchers, control, etcd, metrics, directory, screen, "
     "limits"},
    {"[node]", "[", "1: syntax: Error while parsing key: expected bare key starting character or string delimiter, saw '\\n'; allowed: TOML 1.0"},
    {"name = \"edge\"\n", "", "1: node.name: is missing; allowed: 1 to 32 letters, digits, '-', '_' or '.', the first a letter or digit"},
    {"\"edge\"", "\"../edge\"", "2: node.name: \"../edge\" is not a name; allowed: 1 to 32 letters, digits, '-', '_' or '.', the first a letter or digit"},
    {"\"edge\"", "7", "2: node.name: is an integer; allowed: 1 to 32 letters, digits, '-', '_' or '.', the first a letter or digit"},
    {"listen =", "liste =",
     "3: node.liste: unknown key, did you mean listen?; allowed: name, listen, names, runtime_dir, workers, worker_cpus, control_cpu, burst_pkts, idle"},
    {"# node", "flux = 1", "4: node.flux: unknown key; allowed: name, listen, names, runtime_dir, workers, worker_cpus, control_cpu, burst_pkts, idle"},
    {"listen = \"192.0.2.1\"\n", "",
     "1: node.listen: is missing; allowed: one or more of ADDRESS[:PORT], with \" vlan 1\" to \" vlan 4094\" behind it where it is on one"},
    {"\"192.0.2.1\"", "[]",
     "3: node.listen: is missing; allowed: one or more of ADDRESS[:PORT], with \" vlan 1\" to \" vlan 4094\" behind it where it is on one"},
    {"\"192.0.2.1\"", "[\"192.0.2.1\",\n\"192.0.2.1:5060\"]", "4: node.listen[1]: \"192.0.2.1:5060\" is given twice; allowed: each address and port once"},
    {"\"192.0.2.1\"", "[\"192.0.2.1\", 5]",
     "3: node.listen[1]: is an integer; allowed: ADDRESS[:PORT], with \" vlan 1\" to \" vlan 4094\" behind it where it is on one"},
    {"\"192.0.2.1\"", "\"192.0.2.1:70000\"",
     "3: node.listen: \"192.0.2.1:70000\" is not an address with a port; allowed: ADDRESS[:PORT], port 1 to 65535, default 5060"},
    {"\"192.0.2.1\"", "\"192.0.2.1:0\"",
     "3: node.listen: \"192.0.2.1:0\" is not an address with a port; allowed: ADDRESS[:PORT], port 1 to 65535, default 5060"},
    {"\"192.0.2.1\"", "\"0.0.0.0\"",
     "3: node.listen: \"0.0.0.0\" is multicast, broadcast or unspecified; allowed: ADDRESS[:PORT], port 1 to 65535, default 5060"},
    {"\"192.0.2.1\"", "\"192.0.2.1 vlan 4095\"",
     "3: node.listen: \"192.0.2.1 vlan 4095\" has no VLAN behind \"vlan\"; allowed: ADDRESS[:PORT], with \" vlan 1\" to \" vlan 4094\" behind it where it is "
     "on one"},
    {"\"192.0.2.1\"", "\"192.0.2.1 vlan 7x\"",
     "3: node.listen: \"192.0.2.1 vlan 7x\" has no VLAN behind \"vlan\"; allowed: ADDRESS[:PORT], with \" vlan 1\" to \" vlan 4094\" behind it where it is on "
     "one"},
    {"# node", "names = [\"edge.example.com\", \"-x\"]",
     "4: node.names[1]: \"-x\" is not a host; allowed: a host name (letters, digits, '-', '.', up to 253 octets, the last label no number) or an address, one "
     "of IPv6 in brackets"},
    {"# node", "runtime_dir = 3", "4: node.runtime_dir: is an integer; allowed: a folder"},
    {"# node", "workers = 65", "4: node.workers: 65 is out of range; allowed: 1 to 64"},
    {"# node", "workers = 0", "4: node.workers: 0 is out of range; allowed: 1 to 64"},
    {"# node", "workers = \"2\"", "4: node.workers: is a string; allowed: an integer from 1 to 64"},
    {"# node", "workers = 2\nworker_cpus = [1]", "5: node.worker_cpus: lists 1 where node.workers is 2; allowed: one CPU a worker"},
    {"# node", "worker_cpus = [1, 1024]", "4: node.worker_cpus[1]: 1024 is out of range; allowed: 0 to 1023"},
    {"# node", "worker_cpus = 1", "4: node.worker_cpus: is an integer; allowed: an array of integers"},
    {"# node", "worker_cpus = []", "4: node.worker_cpus: lists 0 where node.workers is 1; allowed: one CPU a worker"},
    {"# node", "control_cpu = -1", "4: node.control_cpu: -1 is out of range; allowed: 0 to 1023"},
    {"# node", "burst_pkts = 65", "4: node.burst_pkts: 65 is out of range; allowed: 1 to 64"},
    {"# node", "idle = \"sleepy\"", "4: node.idle: \"sleepy\" is not known; allowed: \"adaptive\" or \"poll\""},
};
INSTANTIATE_TEST_SUITE_P(Node, FaultyConfig, testing::ValuesIn(node_faults));

const Fault network_faults[] = {
    {"# network", "netmask = 24", "7: network.netmask: unknown key; allowed: routes, prefix, route, gateway, mtu"},
    {"\"192.0.2.0/24\"", "\"192.0.2.0/24 vlan 0\"",
     "6: network.prefix: \"192.0.2.0/24 vlan 0\" has no VLAN behind \"vlan\"; allowed: ADDRESS/BITS, with \" on PORT\", \" vlan 1\" to \" vlan 4094\", or both "
     "behind it"},
    {"\"192.0.2.0/24\"", "[\"192.0.2.0/24\", \"192.0.2.9/24 vlan 7\"]",
     "6: network.prefix[1]: \"192.0.2.9/24 vlan 7\" is given twice; allowed: each prefix once, on one link"},
    {"# network", "route = [\"203.0.113.0/24 via 192.0.2.9\", \"203.0.113.1/24 via 192.0.2.8\"]",
     "7: network.route[1]: \"203.0.113.1/24 via 192.0.2.8\" is a second way to that prefix; allowed: each prefix once"},
    {"\"192.0.2.0/24\"", "\"192.0.2.0/33\"", "6: network.prefix: \"192.0.2.0/33\" is not a prefix; allowed: ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32"},
    {"# network", "gateway = \"router\"", "7: network.gateway: \"router\" is not an address; allowed: an address, as 192.0.2.1 or 2001:db8::1"},
    {"# network", "gateway = \"198.51.100.1\"",
     "7: network.gateway: \"198.51.100.1\" is not on-link; allowed: an address in network.prefix or of a [[neighbour]]"},
    {"# network", "gateway = \"192.0.2.1\"", "7: network.gateway: \"192.0.2.1\" is this node's own; allowed: the address of another host"},
    {"# network", "gateway = \"224.0.0.1\"",
     "7: network.gateway: \"224.0.0.1\" is multicast, broadcast or unspecified; allowed: an address, as 192.0.2.1 or 2001:db8::1"},
    {"# network", "route = \"203.0.113.0/24\"",
     "7: network.route: \"203.0.113.0/24\" has no \"via\"; allowed: ADDRESS/BITS via ADDRESS, as 198.51.100.0/24 via 192.0.2.1"},
    {"# network", "route = \"2001:db8::/32 via 192.0.2.9\"",
     "7: network.route: \"2001:db8::/32 via 192.0.2.9\" mixes the IP versions; allowed: ADDRESS/BITS via ADDRESS, as 198.51.100.0/24 via 192.0.2.1"},
    {"# network", "route = \"203.0.113.0/24 via 198.51.100.1\"",
     "7: network.route: \"203.0.113.0/24 via 198.51.100.1\" is not on-link; allowed: an address in network.prefix or of a [[neighbour]]"},
    {"\"192.0.2.1\"", "\"192.0.2.1 on core\"", "3: node.listen: there is no port \"core\"; allowed: the name of a [[dpdk.port]]"},
    {"# dpdk", "[[dpdk.port]]\nname = \"a\"\n[[dpdk.port]]\nname = \"b\"",
     "3: node.listen: \"192.0.2.1\" does not say on which port; allowed: ending in \" on PORT\", a [[dpdk.port]]'s name"},
    {"# dpdk", "[[dpdk.port]]\nname = \"a\"\n[[dpdk.port]]\nname = \"a\"", "17: dpdk.port[1].name: \"a\" is given twice; allowed: each name once"},
    {"# network", "routes = \"kernel\"", "6: network.prefix: is the kernel's to say; allowed: only with network.routes = \"listed\""},
    {"prefix = \"192.0.2.0/24\"", "routes = \"kernel\"", "1: exception.tap: is missing; allowed: an interface, where network.routes = \"kernel\""},
    {"[dpdk]", "[exception]\ntap = \"a/b\"\n[dpdk]",
     "12: exception.tap: \"a/b\" is not the name of an interface; allowed: 1 to 15 characters without '/', ':' and blanks"},
    {"[dpdk]", "[exception]\narp = \"kernel\"\n[dpdk]", "12: exception.arp: has no kernel to leave it to; allowed: only together with exception.tap"},
    {"[dpdk]", "[exception]\ntap = \"tap0\"\narp = \"both\"\n[dpdk]", "13: exception.arp: \"both\" is not known; allowed: \"node\" or \"kernel\""},
    {"[dpdk]", "[exception]\ntap = [\"tap0\", \"tap1\"]\n[dpdk]", "12: exception.tap: has 2 interfaces for 1 ports; allowed: one a port"},
    {"# network", "mtu = 1279", "7: network.mtu: 1279 is out of range; allowed: 1280 to 9000"},
    {"# network", "mtu = 9001", "7: network.mtu: 9001 is out of range; allowed: 1280 to 9000"},
    {"# network", "gateway = [\"192.0.2.253\", \"192.0.2.254\"]", "7: network.gateway[1]: \"192.0.2.254\" is a second IPv4 gateway; allowed: one a family"},
    {"[[neighbour]]", "[neighbour]", "8: neighbour: is a table; allowed: an array of tables, [[neighbour]]"},
    {"address = \"192.0.2.9\"\n", "", "8: neighbour[0].address: is missing; allowed: an address, as 192.0.2.1 or 2001:db8::1"},
    {"\"192.0.2.9\"", "\"192.0.2.9:5060\"", "9: neighbour[0].address: \"192.0.2.9:5060\" is not an address; allowed: an address, as 192.0.2.1 or 2001:db8::1"},
    {"[dpdk]", "[[neighbour]]\naddress = \"192.0.2.9\"\nmac = \"02:00:00:00:00:0a\"\n[dpdk]",
     "12: neighbour[1].address: \"192.0.2.9\" is given twice; allowed: each address once on a link"},
    {"02:00:00:00:00:09", "02:00:00:00:09",
     "10: neighbour[0].mac: \"02:00:00:00:09\" is not the address of a station; allowed: six octets in hexadecimal, as 02:00:00:00:00:01, not multicast and "
     "not zero"},
    {"02:00:00:00:00:09", "01:00:5e:00:00:01",
     "10: neighbour[0].mac: \"01:00:5e:00:00:01\" is not the address of a station; allowed: six octets in hexadecimal, as 02:00:00:00:00:01, not multicast and "
     "not zero"},
};
INSTANTIATE_TEST_SUITE_P(Network, FaultyConfig, testing::ValuesIn(network_faults));

const Fault dpdk_faults[] = {
    {"profile = \"wire\"\n", "", "11: dpdk.profile: is missing; allowed: \"wire\", or the path of a profile"},
    {"\"wire\"", "\"wires\"", "12: dpdk.profile: there is no profile \"wires\"; allowed: \"wire\", or the path of a profile"},
    {"\"wire\"", "\"./none.toml\"", "12: dpdk.profile: there is no profile \"./none.toml\"; allowed: \"wire\", or the path of a profile"},
    {"interface = \"eth1\"\n", "", "11: dpdk.interface: is missing, and the profile \"wire\" needs it; allowed: a value for interface"},
    {"interface =", "interfaces =",
     "13: dpdk.interfaces: unknown key, did you mean interface?; allowed: profile, port, hugepages, rx_descriptors, tx_descriptors, buffers, large_buffers, "
     "checksum_offload, ignore_udp_checksum, pretend_checksum_offload, interface, memory_mb, rx_pcap"},
    {"\"eth1\"", "\"a,b\"", "13: dpdk.interface: is empty or holds a comma; allowed: text without commas"},
    {"\"eth1\"", "\"an-interface-too-long\"",
     "13: dpdk.interface: \"an-interface-too-long\" is not the name of an interface; allowed: 1 to 15 characters without '/', ':' and blanks"},
    {"\"eth1\"", "[1]", "13: dpdk.interface: is an array; allowed: a string, an integer, true or false"},
    {"# dpdk", "memory_mb = 8", "14: dpdk.memory_mb: 8 is out of range; allowed: 32 to 1048576"},
    {"# dpdk", "hugepages = 1", "14: dpdk.hugepages: is an integer; allowed: true or false"},
    {"# dpdk", "rx_descriptors = 63", "14: dpdk.rx_descriptors: 63 is out of range; allowed: 64 to 32768"},
    {"# dpdk", "tx_descriptors = 32769", "14: dpdk.tx_descriptors: 32769 is out of range; allowed: 64 to 32768"},
    {"# dpdk", "buffers = 510", "14: dpdk.buffers: 510 is out of range; allowed: 511 to 4194303"},
    {"# dpdk", "large_buffers = 1", "14: dpdk.large_buffers: 1 is out of range; allowed: 63 to 1048575"},
    {"# dpdk", "checksum_offload = \"yes\"", "14: dpdk.checksum_offload: is a string; allowed: true or false"},
    {"# dpdk", "pretend_checksum_offload = 1", "14: dpdk.pretend_checksum_offload: is an integer; allowed: true or false"},
    {"# dpdk", "ignore_udp_checksum = 0.5", "14: dpdk.ignore_udp_checksum: is a fraction; allowed: true or false"},
};
INSTANTIATE_TEST_SUITE_P(Dpdk, FaultyConfig, testing::ValuesIn(dpdk_faults));

const Fault sip_faults[] = {
    {"domains = [\"example.com\", \"example.org\"]\n", "",
     "15: sip.domains: is missing; allowed: one or more of a host name (letters, digits, '-', '.', up to 253 octets, the last label no number) or an address, "
     "one of IPv6 "
     "in brackets"},
    {"\"example.org\"", "\"exa mple\"",
     "16: sip.domains[1]: \"exa mple\" is not a host; allowed: a host name (letters, digits, '-', '.', up to 253 octets, the last label no number) or an "
     "address, one of IPv6 "
     "in brackets"},
    {"\"example.org\"", "\"Example.COM.\"", "16: sip.domains[1]: \"Example.COM.\" is given twice; allowed: each domain once"},
    {"# sip", "aliases = { \"example.net\" = \"example.edu\" }",
     "17: sip.aliases.example.net: \"example.edu\" is not a served domain; allowed: a domain of sip.domains: \"example.com\" or \"example.org\""},
    {"# sip", "aliases = { \"example.org\" = \"example.com\" }",
     "17: sip.aliases.example.org: is itself a served domain; allowed: a domain that is not in sip.domains"},
    {"# sip", "aliases = { \"a b\" = \"example.com\" }",
     "17: sip.aliases.a b: \"a b\" is not a host; allowed: a host name (letters, digits, '-', '.', up to 253 octets, the last label no number) or an address, "
     "one of IPv6 "
     "in brackets"},
    {"# sip", "aliases = { \"Example.net\" = \"example.com\", \"example.net\" = \"example.org\" }",
     "17: sip.aliases.example.net: is given twice, in whatever case; allowed: each alias once"},
    {"\"example.org\"", "\"192.0.2.999\"",
     "16: sip.domains[1]: \"192.0.2.999\" is not a host; allowed: a host name (letters, digits, '-', '.', up to 253 octets, the last label no number) or an "
     "address, "
     "one of IPv6 in brackets"},
    {"# sip", "aliases = [\"example.net\"]", "17: sip.aliases: is an array; allowed: a table"},
    {"# sip", "default_domain = \"example.edu\"",
     "17: sip.default_domain: \"example.edu\" is not a served domain; allowed: a domain of sip.domains: \"example.com\" or \"example.org\""},
    {"# sip", "server = \"a\\r\\nb\"", "17: sip.server: cannot stand in a header; allowed: up to 64 printable ASCII characters, or \"\" for no Server header"},
    {"# sip", "realm = \"x\"", "17: sip.realm: unknown key; allowed: domains, aliases, default_domain, server"},
    {"# redirect", "policy = \"sometimes\"", "19: redirect.policy: \"sometimes\" is not known; allowed: \"single-via\", \"listed\", \"always\" or \"never\""},
    {"# redirect", "status = 305", "19: redirect.status: 305 is out of range; allowed: 301 to 302"},
    {"# redirect", "trusted_proxies = [\"all\"]",
     "19: redirect.trusted_proxies[0]: \"all\" is not a prefix; allowed: ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32"},
    {"# redirect", "[proxy]\npath = \"often\"", "20: proxy.path: \"often\" is not known; allowed: \"always\", \"supported\" or \"never\""},
    {"# redirect", "[proxy]\nrecord_route = 1", "20: proxy.record_route: is an integer; allowed: true or false"},
    {"# redirect", "from = 1", "19: redirect.from: is an integer; allowed: ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32"},
    {"# redirect", "proxies = 1", "19: redirect.proxies: unknown key; allowed: policy, status, trusted_proxies, from"},
};
INSTANTIATE_TEST_SUITE_P(Sip, FaultyConfig, testing::ValuesIn(sip_faults));

const Fault fleet_faults[] = {
    {"seed = \"000102030405060708090a0b0c0d0e0f\"\n", "", "20: fleet.seed: is missing, and there are homes; allowed: 32 hexadecimal digits, not all zero"},
    {"000102030405060708090a0b0c0d0e0f", "0001020304", "21: fleet.seed: has no 32 hexadecimal digits; allowed: 32 hexadecimal digits, not all zero"},
    {"000102030405060708090a0b0c0d0e0f", "00010203040506070809 a0b0c0d0e0f",
     "21: fleet.seed: has no 32 hexadecimal digits; allowed: 32 hexadecimal digits, not all zero"},
    {"000102030405060708090a0b0c0d0e0f", "00000000000000000000000000000000", "21: fleet.seed: is all zero; allowed: 32 hexadecimal digits, not all zero"},
    {"keys = [\"a:101112131415161718191a1b1c1d1e1f\"]\n", "",
     "20: fleet.keys: is missing, and there are homes; allowed: one or two of LETTER:KEY, a letter from a to p and 32 hexadecimal digits"},
    {"\"a:1011", "\"q:1011", "22: fleet.keys[0]: has no letter in front; allowed: LETTER:KEY, a letter from a to p and 32 hexadecimal digits"},
    {"\"a:1011", "\"a:10", "22: fleet.keys[0]: has no 32 hexadecimal digits; allowed: 32 hexadecimal digits, not all zero"},
    {"1e1f\"]", "1e1f\",\n\"a:202122232425262728292a2b2c2d2e2f\"]", "23: fleet.keys[1]: has the first key's letter; allowed: another letter from a to p"},
    {"1e1f\"]", "1e1f\", \"b:202122232425262728292a2b2c2d2e2f\", \"c:20\"]", "22: fleet.keys[2]: is a third key; allowed: one or two keys"},
    {"# fleet", "edges = \"192.0.2.1\"", "23: fleet.edges: \"192.0.2.1\" is not a prefix; allowed: ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32"},
    {"# fleet", "edge = []", "23: fleet.edge: unknown key, did you mean edges?; allowed: seed, keys, edges"},
};
INSTANTIATE_TEST_SUITE_P(Fleet, FaultyConfig, testing::ValuesIn(fleet_faults));

const Fault home_faults[] = {
    {"name = \"north\"\n", "", "24: home[0].name: is missing; allowed: 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit"},
    {"\"south\"", "\"north\"", "29: home[1].name: \"north\" is given twice; allowed: each name once"},
    {"\"192.0.2.12\"", "\"192.0.2.11:5060\"", "30: home[1].address: \"192.0.2.11:5060\" is that of \"north\" as well; allowed: each address once"},
    {"\"south\"", "\"so uth\"", "29: home[1].name: \"so uth\" is not a name; allowed: 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit"},
    {"address = \"192.0.2.11\"\n", "", "24: home[0].address: is missing; allowed: ADDRESS[:PORT], port 1 to 65535, default 5060"},
    {"\"192.0.2.11\"", "\"192.0.2.1:5060\"",
     "26: home[0].address: \"192.0.2.1:5060\" is this node's own address; allowed: another server's address, or local = true"},
    {"\"192.0.2.11\"", "\"198.51.100.1\"",
     "26: home[0].address: \"198.51.100.1\" cannot be reached: it is not on-link, and there is no gateway; allowed: an address in network.prefix, or any with "
     "network.gateway"},
    {"\"192.0.2.11\"", "\"[2001:db8::b]\"",
     "26: home[0].address: \"[2001:db8::b]\" is of an IP version that no listener has; allowed: an address of a family that node.listen has one of"},
    {"# north", "public = \"home.example.com\"",
     "27: home[0].public: \"home.example.com\" is not an address with a port; allowed: ADDRESS[:PORT], port 1 to 65535, default 5060"},
    {"# north", "public = [\"192.0.2.11\", \"[2001:db8::b]\", \"192.0.2.13\"]",
     "27: home[0].public[2]: \"192.0.2.13\" is a second IPv4 address; allowed: one address a family"},
    {"# north", "public = [\"[2001:db8::b]\", \"192.0.2.1\"]",
     "27: home[0].public[1]: \"192.0.2.1\" is this node's own; allowed: another server's address, or local = true"},
    {"# north", "public = [\"[2001:db8::b]\", \"[2001:db8::c]\"]",
     "27: home[0].public[1]: \"[2001:db8::c]\" is a second IPv6 address; allowed: one address a family"},
    {"# north", "weight = 0", "27: home[0].weight: 0 is out of range; allowed: 1 to 65535"},
    {"# north", "local = \"yes\"", "27: home[0].local: is a string; allowed: true or false"},
    {"# north", "local = true\nviaduct = false", "28: home[0].viaduct: is false for a local home; allowed: true when local is true"},
    {"# north\n[[home]]\n", "local = true\n[[home]]\nlocal = true\n",
     "29: home[1].local: is true for a second home, after \"north\"; allowed: at most one local home a node"},
    {"# north", "capacity = -1", "27: home[0].capacity: -1 is out of range; allowed: 0 to 1000000000"},
    {"# north", "port = 5060",
     "27: home[0].port: unknown key; allowed: name, address, public, weight, capacity, local, viaduct, probe, control, zone, reg_notifier, max_per_s"},
    {"# north", "reg_notifier = \"nobody\"", "27: home[0].reg_notifier: \"nobody\" is not known; allowed: \"edge\" or \"home\""},
    {"# north", "viaduct = true\nreg_notifier = \"edge\"",
     "28: home[0].reg_notifier: is \"edge\" for a Viaduct; allowed: \"home\" when viaduct is true or control is given"},
    {"# north", "control = \"192.0.2.11\"", "27: home[0].control: \"192.0.2.11\" is not an address with a port; allowed: ADDRESS:PORT, port 1 to 65535"},
};
INSTANTIATE_TEST_SUITE_P(Home, FaultyConfig, testing::ValuesIn(home_faults));

// In place of the line "# limits", 37; the table begins in line 37, the first edge in line 39.
#define DIRECTORY "[directory]\nnameservers = \"ns.example.net\"\n"
#define EDGE "[[directory.edge]]\nname = \"edge-1.example.com\"\naddress = \"192.0.2.1\"\n"
const Fault directory_faults[] = {
    {"# limits", "[directory]", "37: directory.edge: is missing; allowed: one [[directory.edge]] or more"},
    {"# limits", "[directory]\n" EDGE,
     "37: directory.nameservers: is missing; allowed: the host names of the DNS servers that ask this node, which stand in the zones' NS records"},
    {"# limits", DIRECTORY "ttl_s = 0\n" EDGE, "39: directory.ttl_s: 0 is out of range; allowed: 1 to 86400"},
    {"# limits", DIRECTORY "ttl = 1\n" EDGE,
     "39: directory.ttl: unknown key, did you mean ttl_s?; allowed: zones, nameservers, ttl_s, socket, group, listen, edge"},
    {"# limits", DIRECTORY "listen = \"192.0.2.1\"\n" EDGE,
     "39: directory.listen: \"192.0.2.1\" is not an address with a port; allowed: ADDRESS:PORT, port 1 to 65535"},
    {"# limits", DIRECTORY "zones = [\"a.example\", \"b.a.example\"]\n" EDGE,
     "39: directory.zones[1]: \"b.a.example\" lies in \"a.example\" as well; allowed: zones none of which lies in another"},
    {"# limits", DIRECTORY "zones = \"192.0.2.1\"\n" EDGE,
     "39: directory.zones: \"192.0.2.1\" is an address; allowed: a host name (letters, digits, '-', '.', up to 253 octets), not an address"},
    {"# limits", DIRECTORY "zones = \"_.example.com\"\n" EDGE,
     "39: directory.zones: \"_.example.com\" is not a domain name; allowed: a domain name (letters, digits, '-', '_', '.', up to 253 octets), not an address"},
    {"# limits", DIRECTORY "zones = \"_udp\"\n" EDGE,
     "39: directory.zones: \"_udp\" is not a domain name; allowed: a domain name (letters, digits, '-', '_', '.', up to 253 octets), not an address"},
    {"# limits", "[directory]\nnameservers = \"ns.example.com\"\n" EDGE,
     "38: directory.nameservers: \"ns.example.com\" lies in the zone \"example.com\", where nobody knows its address; allowed: a name outside of "
     "directory.zones"},
    {"# limits", DIRECTORY EDGE "weight = 0", "42: directory.edge[0].weight: 0 is out of range; allowed: 1 to 65535"},
    {"# limits", DIRECTORY EDGE "port = 5070", "42: directory.edge[0].port: unknown key; allowed: name, address, weight, probe, draining, control"},
    {"# limits", DIRECTORY EDGE EDGE, "43: directory.edge[1].name: \"edge-1.example.com\" is given twice; allowed: each name once"},
    {"# limits", DIRECTORY "[[directory.edge]]\nname = \"edge-1.example.com\"",
     "39: directory.edge[0].address: is missing; allowed: ADDRESS[:PORT], port 1 to 65535, default 5060"},
    {"# limits", DIRECTORY "[[directory.edge]]\nname = \"edge-1.example.com\"\naddress = [\"192.0.2.1\", \"192.0.2.3\"]",
     "41: directory.edge[0].address[1]: \"192.0.2.3\" is a second IPv4 address; allowed: one address a family"},
    {"# limits", DIRECTORY "[[directory.edge]]\nname = \"edge-1.example.com\"\naddress = [\"192.0.2.1\", \"[2001:db8::1]:5070\"]",
     "41: directory.edge[0].address[1]: \"[2001:db8::1]:5070\" has another port than the one before; allowed: one port: an SRV record has no other"},
    {"# limits", DIRECTORY "[[directory.edge]]\nname = \"edge-1.example.com\"\naddress = \"203.0.113.1\"",
     "41: directory.edge[0].address: cannot be reached from this node; allowed: one that can, or probe = false"},
    {"# limits", DIRECTORY "[[directory.edge]]\nname = \"[2001:db8::1]\"\naddress = \"192.0.2.1\"",
     "40: directory.edge[0].name: \"[2001:db8::1]\" is an address; allowed: a host name (letters, digits, '-', '.', up to 253 octets), not an address"},
};
#undef EDGE
#undef DIRECTORY
#define ETCD "[control]\nlisten = \"192.0.2.1:7060\"\n[etcd]\nendpoints = [\"192.0.2.7:2379\"]\n"

const Fault etcd_faults[] = {
    {"# limits", ETCD "endpoint = 1", "41: etcd.endpoint: unknown key, did you mean endpoints?; allowed: endpoints, prefix, ca, certificate, key"},
    {"# limits", "[etcd]\nprefix = \"a\"", "37: etcd.endpoints: is missing; allowed: where etcd's servers are"},
    {"# limits", "[etcd]\nendpoints = [\"192.0.2.7\"]",
     "38: etcd.endpoints[0]: \"192.0.2.7\" is not an address with a port; allowed: ADDRESS:PORT, port 1 to 65535"},
    {"# limits", "[etcd]\nendpoints = [\"192.0.2.7:2379\"]",
     "38: etcd.endpoints: needs control.listen, where other nodes fetch what the log has forgotten; allowed: none without control.listen"},
    {"# limits", ETCD "prefix = \"/a\"",
     "41: etcd.prefix: \"/a\" is no prefix of keys; allowed: letters, digits, hyphens, underscores, dots and slashes, not at the ends"},
    {"# limits", ETCD "ca = \"node.conf\"\ncertificate = \"node.conf\"", "39: etcd.key: is missing; allowed: both or none"},
    {"# limits", ETCD "certificate = \"node.conf\"\nkey = \"node.conf\"", "39: etcd.ca: is missing; allowed: whose certificates etcd's servers have"},
};
INSTANTIATE_TEST_SUITE_P(Etcd, FaultyConfig, testing::ValuesIn(etcd_faults));

INSTANTIATE_TEST_SUITE_P(Directory, FaultyConfig, testing::ValuesIn(directory_faults));

const Fault bound_faults[] = {
    {"# assign", "policy = \"hash\"", "33: assign.policy: \"hash\" is not known; allowed: \"slots\" or \"explicit\""},
    {"# assign", "file = 1", "33: assign.file: is an integer; allowed: a CSV file of aor,home[,pin]"},
    {"# assign", "entries = 1023", "33: assign.entries: 1023 is out of range; allowed: 1024 to 200000000"},
    {"# assign", "files = \"a\"", "33: assign.files: unknown key, did you mean file?; allowed: policy, file, entries"},
    {"# registrar", "expires_min_s = 3601", "35: registrar.expires_min_s: 3601 is out of range; allowed: 1 to 3600"},
    {"# registrar", "expires_max_s = 0", "35: registrar.expires_max_s: 0 is out of range; allowed: 1 to 2592000"},
    {"# registrar", "expires_default_s = 2592001", "35: registrar.expires_default_s: 2592001 is out of range; allowed: 1 to 2592000"},
    {"# registrar", "expires_max_s = 59",
     "34: registrar.expires_min_s: is above expires_max_s; allowed: expires_min_s <= expires_default_s <= expires_max_s (60, 60, 59)"},
    {"# registrar", "expires_default_s = 59",
     "35: registrar.expires_default_s: is below expires_min_s; allowed: expires_min_s <= expires_default_s <= expires_max_s (60, 59, 7200)"},
    {"# registrar", "expires_default_s = 7201",
     "35: registrar.expires_default_s: is above expires_max_s; allowed: expires_min_s <= expires_default_s <= expires_max_s (60, 7201, 7200)"},
    {"# registrar", "[health]\ninterval_ms = 99", "36: health.interval_ms: 99 is out of range; allowed: 100 to 3600000"},
    {"# registrar", "[health]\ninterval_ms = 500\ntimeout_ms = 501", "37: health.timeout_ms: is longer than interval_ms; allowed: at most interval_ms"},
    {"# registrar", "[health]\ndown_after = 0", "36: health.down_after: 0 is out of range; allowed: 1 to 100"},
    {"# registrar", "[watchers]\nexpires_min_s = 3601", "36: watchers.expires_min_s: 3601 is out of range; allowed: 1 to 3600"},
    {"# registrar", "[watchers]\nprefixes = [\"192.0.2.0\"]",
     "36: watchers.prefixes[0]: \"192.0.2.0\" is not a prefix; allowed: ADDRESS/BITS, as 192.0.2.0/24 or 2001:db8::/32"},
    {"# registrar", "[watchers]\nsubscriptions_max = 0", "36: watchers.subscriptions_max: 0 is out of range; allowed: 1 to 100000000"},
    {"# registrar", "[balance]\nwindow_s = 0", "36: balance.window_s: 0 is out of range; allowed: 1 to 86400"},
    {"# registrar", "[balance]\nhalf_life_s = 604801", "36: balance.half_life_s: 604801 is out of range; allowed: 1 to 604800"},
    {"# registrar", "[balance]\nclients_tracked = 1000", "36: balance.clients_tracked: 1000 is out of range; allowed: 1024 to 100000000"},
    {"# registrar", "[watchers]\nnotifies_per_s = 0", "36: watchers.notifies_per_s: 0 is out of range; allowed: 1 to 1000000"},
    {"# registrar", "[watchers]\nper_client_max = 0", "36: watchers.per_client_max: 0 is out of range; allowed: 1 to 10000"},
    {"# registrar", "bindings_per_aor_max = 65", "35: registrar.bindings_per_aor_max: 65 is out of range; allowed: 1 to 64"},
    {"# registrar", "bindings_max = 0", "35: registrar.bindings_max: 0 is out of range; allowed: 1 to 100000000"},
    {"# registrar", "binding_max = 1",
     "35: registrar.binding_max: unknown key, did you mean bindings_max?; allowed: expires_default_s, expires_min_s, expires_max_s, expires_spread_percent, "
     "bindings_per_aor_max, bindings_max, service_route, credentials, realm, algorithms, shards, shard_cpus"},
    {"# registrar", "algorithms = [\"MD4\"]",
     "35: registrar.algorithms[0]: \"MD4\" is not known; allowed: some of SHA-512-256, SHA-256, MD5, the strongest first"},
    {"# registrar", "shards = 65", "35: registrar.shards: 65 is out of range; allowed: 1 to 64"},
    {"# registrar", "shards = 3\nshard_cpus = [1]", "36: registrar.shard_cpus: lists 1 where registrar.shards is 3; allowed: one CPU a shard"},
    {"# registrar", "shard_cpus = [1024, 1]", "35: registrar.shard_cpus[0]: 1024 is out of range; allowed: 0 to 1023"},
    {"# registrar", "shard_cpus = [1]",
     "35: registrar.shard_cpus: is given where one shard shares the control core; allowed: two or more shards, one CPU each"},
    {"# registrar", "realm = 'a\"b'", "35: registrar.realm: \"a\"b\" cannot stand between quotes; allowed: a text without quotes"},
    {"# registrar", "expires_spread_percent = 51", "35: registrar.expires_spread_percent: 51 is out of range; allowed: 0 to 50"},
    {"# registrar", "service_route = [\"sip:198.18.0.2\"]",
     "35: registrar.service_route[0]: \"sip:198.18.0.2\" is no route; allowed: a loose route, sip:HOST[:PORT];lr"},
    {"# registrar", "service_route = \"sip:;lr\"", "35: registrar.service_route: \"sip:;lr\" is no route; allowed: a loose route, sip:HOST[:PORT];lr"},
    {"# registrar", "service_route = \"sip:a.example.com:99999;lr\"",
     "35: registrar.service_route: \"sip:a.example.com:99999;lr\" is no route; allowed: a loose route, sip:HOST[:PORT];lr"},
    {"# registrar", "service_route = \"sip:[2001:db8::1]x;lr\"",
     "35: registrar.service_route: \"sip:[2001:db8::1]x;lr\" is no route; allowed: a loose route, sip:HOST[:PORT];lr"},
    {"# limits", "ring_slots = 32", "37: limits.ring_slots: 32 is out of range; allowed: 64 to 1048576"},
    {"# limits", "ring_slots = 100", "37: limits.ring_slots: 100 is not a power of two; allowed: a power of two, 64 to 1048576"},
    {"# limits", "neighbours_max = 15", "37: limits.neighbours_max: 15 is out of range; allowed: 16 to 1048576"},
    {"# limits", "redirects_kept = 1", "37: limits.redirects_kept: 1 is out of range; allowed: 1024 to 67108864"},
    {"# limits", "guards = 1",
     "37: limits.guards: unknown key; allowed: ring_slots, neighbours_max, redirects_kept, limit_entries, source_pps, source_burst, source_v4_bits, "
     "source_v6_bits, strangers_pps, strangers_burst, aor_pps, aor_burst, reply_bytes_per_s, reply_burst_bytes, friends, over"},
    {"# limits", "source_burst = 5", "37: limits.source_burst: has no rate to go with; allowed: only together with source_pps"},
    {"# limits", "source_pps = 100000001", "37: limits.source_pps: 100000001 is out of range; allowed: 0 to 100000000"},
    {"# limits", "over = \"404\"", "37: limits.over: \"404\" is not known; allowed: \"drop\" or \"503\""},
};
INSTANTIATE_TEST_SUITE_P(Bounds, FaultyConfig, testing::ValuesIn(bound_faults));

TEST(Config, NamesTheFileThatItCannotRead) {
  const Folder folder;
  const auto config = load(folder.path() / "none.toml", {});
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "none.toml").string() + ":1: file: is not a file that can be read; allowed: a TOML file");
}

TEST(Config, NamesTheAssignmentsFileThatItCannotRead) {
  const Folder folder;
  const auto config = load_text(folder, edited(sample_config, "# assign", "file = \"clients.csv\""));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "node.conf").string() + ":33: assign.file: " + (folder.path() / "clients.csv").string() +
                                     " is not a file that can be read; allowed: a CSV file of aor,home[,pin]");
}

TEST(Config, NamesTheCredentialsFileThatItCannotRead) {
  const Folder folder;
  const auto config = load_text(folder, edited(sample_config, "# registrar", "credentials = \"c.csv\""));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "node.conf").string() + ":35: registrar.credentials: " + (folder.path() / "c.csv").string() +
                                     " is not a file that can be read; allowed: a file of aor,algorithm,ha1");
}

TEST(Config, RefusesKeysWithoutASeedAlsoWhereNoHomesAre) {
  const Folder folder;
  const auto homeless = std::string{sample_config.substr(0, sample_config.find("[[home]]"))};
  EXPECT_TRUE(load_text(folder, homeless).has_value());
  const auto config = load_text(folder, edited(homeless, "seed = \"000102030405060708090a0b0c0d0e0f\"\n", ""));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text,
            (folder.path() / "node.conf").string() + ":20: fleet.seed: is missing, and there are keys; allowed: 32 hexadecimal digits, not all zero");
}

TEST(Config, NamesTheCpuThatThisProcessCannotHave) {
  const Folder folder;
  for (const auto& [piece, by, what] :
       {std::tuple{"# node", "worker_cpus = [1023]", ":4: node.worker_cpus[0]: "}, std::tuple{"# node", "control_cpu = 1023", ":4: node.control_cpu: "},
        std::tuple{"# registrar", "shards = 2\nshard_cpus = [1023, 1023]", ":36: registrar.shard_cpus[0]: "}}) {
    const auto config = load_text(folder, edited(sample_config, piece, by));
    ASSERT_TRUE(config.has_value()) << "the file may be meant for another machine: " << config.error().text;
    const auto checked = check_cpus(*config);
    ASSERT_FALSE(checked.has_value());
    EXPECT_TRUE(checked.error().text.starts_with((folder.path() / "node.conf").string() + what + "this process cannot have CPU 1023; allowed: "))
        << checked.error().text;
  }
}

TEST(Config, RefusesTwoPortsOfOneDevice) {
  const Folder folder;
  auto text = edited(sample_config, "\"192.0.2.1\"", "\"192.0.2.1 on a\"");
  text = edited(edited(text, "192.0.2.0/24", "192.0.2.0/24 on a"), "\"192.0.2.9\"", "\"192.0.2.9\"\nport = \"a\"");
  const auto config = load_text(folder, text + "[[dpdk.port]]\nname = \"a\"\n[[dpdk.port]]\nname = \"b\"\ninterface = \"eth1\"\n");
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "node.conf").string() + ":43: dpdk.port[1].interface: \"eth1\" is another port's; allowed: each device once");
}

TEST(Config, RefusesARuntimeFolderWhoseSocketPathIsTooLong) {
  const Folder folder;
  const std::string dir = '/' + std::string(110, 'd');
  const auto config = load_text(folder, edited(sample_config, "# node", "runtime_dir = \"" + dir + '"'));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "node.conf").string() + ":4: node.runtime_dir: makes the socket's path " + dir +
                                     "/edge.sock too long; allowed: a path of up to 107 octets");
}

TEST(Config, RefusesMoreListenersThanTheirNumbersHold) {
  const auto listening = [](unsigned count) {
    std::string all;
    for (unsigned i = 0; i < count; ++i) all += "\"192.0.2.1:" + std::to_string(6000 + i) + "\", ";
    return edited(sample_config, "\"192.0.2.1\"", '[' + all + ']');
  };
  const Folder folder;
  EXPECT_TRUE(load_text(folder, listening(256)).has_value());
  const auto config = load_text(folder, listening(257));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "node.conf").string() + ":3: node.listen: lists 257; allowed: 1 to 256");
}

TEST(Config, RefusesMoreCoresThanDpdkKnows) {
  const Folder folder;
  const auto text = edited(sample_config, "# node", "workers = 64");
  EXPECT_TRUE(load_text(folder, edited(text, "# registrar", "shards = 63")).has_value());
  const auto config = load_text(folder, edited(text, "# registrar", "shards = 64"));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text, (folder.path() / "node.conf").string() +
                                     ":35: registrar.shards: 64 with 64 workers and the control core make 129 cores; allowed: 128 cores in all");
}

TEST(Config, NeverShowsAKeyInAnError) {
  const Folder folder;
  const auto config = load_text(folder, edited(sample_config, "1d1e1f", "1d1e1g"));
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().text.find("101112"), std::string::npos) << config.error().text;
}

}  // namespace
}  // namespace viaduct::config::test
