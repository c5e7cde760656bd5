// SPDX-License-Identifier: Apache-2.0
// What a configuration that loads becomes: defaults, paths, names, the example in docs/, and what a running node cannot take over.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "sample.h"

namespace viaduct::config::test {
namespace {

Config loaded(std::string_view text) {
  const Folder folder;
  auto config = load_text(folder, text);
  if (!config) throw std::runtime_error(config.error().text);
  return *config;
}

base::Endpoint at(std::string_view text) { return *base::Endpoint::parse(text, 5060); }

TEST(Config, HasTheDocumentedDefaults) {
  const auto config = loaded(sample_config);
  EXPECT_EQ(config.runtime_dir, "/run/viaduct");
  EXPECT_EQ(config.workers, 1U);
  EXPECT_EQ(config.worker_cpus.size(), 1U);
  EXPECT_EQ(config.control_cpu, 0U);
  EXPECT_EQ(config.burst_pkts, 32U);
  EXPECT_EQ(config.default_domain, "example.com");
  EXPECT_EQ(config.server_header, "Viaduct");
  EXPECT_EQ(config.redirect, Redirect::single_via);
  EXPECT_EQ(config.redirect_status, 302);
  EXPECT_EQ(config.path, Path::always);
  EXPECT_TRUE(config.record_route);
  EXPECT_TRUE(config.edges.empty());
  EXPECT_EQ(config.assign_policy, AssignPolicy::slots);
  EXPECT_TRUE(config.assignments_file.empty());
  EXPECT_EQ(config.entries_expected, 1'000'000U);
  EXPECT_EQ(config.expires_min_s, 60U);
  EXPECT_EQ(config.expires_default_s, 3600U);
  EXPECT_EQ(config.expires_max_s, 7200U);
  EXPECT_EQ(config.bindings_per_aor_max, 10U);
  EXPECT_EQ(config.bindings_max, 1'000'000U);
  EXPECT_EQ(config.ring_slots, 4096U);
  EXPECT_EQ(config.neighbours_max, 4096U);
  EXPECT_EQ(config.redirects_kept, 262'144U);
  EXPECT_TRUE(config.health.is_enabled);
  EXPECT_EQ(config.health.interval_ms, 2'000U);
  EXPECT_EQ(config.health.timeout_ms, 1'000U);
  EXPECT_EQ(config.health.down_after, 3U);
  EXPECT_EQ(config.health.up_after, 5U);
  EXPECT_EQ(config.health.slow_start_s, 60U);
  EXPECT_TRUE(config.homes[0].is_probed);
}

TEST(Config, WaitsNoLongerForAnAnswerThanUntilTheNextProbe) {
  const auto config = loaded(edited(sample_config, "# registrar", "[health]\ninterval_ms = 300"));
  EXPECT_EQ(config.health.timeout_ms, 300U);
}

TEST(Config, TrustsAndRedirectsEverySourceByDefaultAndNoneWhenTheListIsEmpty) {
  const auto open = loaded(sample_config);
  EXPECT_EQ(open.trusted_proxies, (std::vector{base::whole_v4, base::whole_v6}));
  EXPECT_EQ(open.redirect_from, open.trusted_proxies);
  const auto closed = loaded(edited(sample_config, "# redirect", "trusted_proxies = []\nfrom = []"));
  EXPECT_TRUE(closed.trusted_proxies.empty());
  EXPECT_TRUE(closed.redirect_from.empty());
}

TEST(Config, ReadsAListenAddressWithAndWithoutPort) {
  const auto config = loaded(edited(sample_config, "\"192.0.2.1\"", "[\"192.0.2.1\", \"192.0.2.1:5070\"]"));
  EXPECT_EQ(config.listen, (std::vector<Listen>{{at("192.0.2.1:5060")}, {at("192.0.2.1:5070")}}));
}

TEST(Config, WritesHostNamesInLowerCaseWithoutTheRootsDot) {
  auto text = edited(sample_config, "# node", "names = \"Edge.Example.COM.\"");
  text = edited(text, "# sip", "aliases = { \"WWW.example.com\" = \"Example.Com\" }\ndefault_domain = \"EXAMPLE.org\"");
  const auto config = loaded(text);
  EXPECT_EQ(config.node_names, std::vector<std::string>{"edge.example.com"});
  ASSERT_EQ(config.domain_aliases.size(), 1U);
  EXPECT_EQ(config.domain_aliases[0], (std::pair<std::string, std::string>{"www.example.com", "example.com"}));
  EXPECT_EQ(config.default_domain, "example.org");
}

TEST(Config, TakesNamesAndAddressesOfBothIpVersionsForHosts) {
  const auto text = edited(sample_config, "# node", "names = [\"4u.example.com\", \"192.0.2.1\", \"[2001:DB8::1]\", \"1.example\", \"host_1\"]");
  EXPECT_EQ(loaded(text).node_names, (std::vector<std::string>{"4u.example.com", "192.0.2.1", "[2001:db8::1]", "1.example", "host_1"}));
  const std::vector<std::string> routes = {"sip:a.example.com;lr", "sip:192.0.2.1:5070;lr", "sip:[2001:db8::1];lr", "sip:[2001:db8::1]:65535;lr"};
  EXPECT_EQ(loaded(edited(sample_config, "# registrar",
                          "service_route = [\"sip:a.example.com;lr\", \"sip:192.0.2.1:5070;lr\", \"sip:[2001:db8::1];lr\", "
                          "\"sip:[2001:db8::1]:65535;lr\"]"))
                .service_route,
            routes);
}

TEST(Config, TakesAsManyWorkersAsThereAreCpusInTheList) {
  const auto config = loaded(edited(sample_config, "# node", "worker_cpus = [3, 3, 5]"));
  EXPECT_EQ(config.workers, 3U);
  EXPECT_EQ(config.worker_cpus, (std::vector<unsigned>{3, 3, 5}));
}

TEST(Config, GivesEveryWorkerACpuAlsoWhenThereAreFewer) {
  const auto config = loaded(edited(sample_config, "# node", "workers = 64"));
  EXPECT_EQ(config.worker_cpus.size(), 64U);
}

TEST(Config, GivesEveryShardACpuWhereThereAreSeveral) {
  EXPECT_TRUE(loaded(sample_config).shard_cpus.empty());
  const auto listed = loaded(edited(sample_config, "# registrar", "shard_cpus = [3, 3, 5]"));
  EXPECT_EQ(listed.shards, 3U);
  EXPECT_EQ(listed.shard_cpus, (std::vector<unsigned>{3, 3, 5}));
  EXPECT_EQ(loaded(edited(sample_config, "# registrar", "shards = 64")).shard_cpus.size(), 64U);
}

TEST(Config, CountsRelativePathsFromItsOwnFolder) {
  const Folder folder;
  folder.write("clients.csv", "");
  auto text = edited(sample_config, "# assign", "file = \"clients.csv\"");
  text = edited(text, "# node", "runtime_dir = \"run\"");
  const auto config = load_text(folder, text);
  ASSERT_TRUE(config.has_value()) << config.error().text;
  EXPECT_EQ(config->assignments_file, folder.path() / "clients.csv");
  EXPECT_EQ(config->runtime_dir, folder.path() / "run");
}

TEST(Config, IsADirectoryWithEdges) {
  EXPECT_FALSE(loaded(std::string(sample_config)).directory_access);
  const Config config = loaded(edited(sample_config, "# limits", R"([directory]
nameservers = "NS.example.net."
[[directory.edge]]
name = "Edge-1.Example.com"
address = ["192.0.2.1:5070", "[2001:db8::1]:5070"]
[[directory.edge]]
name = "edge-2.example.com"
address = "203.0.113.2"
probe = false
draining = true
weight = 7
control = "192.0.2.99:7060"
)"));
  const Directory& d = config.directory;
  EXPECT_EQ(d.zones, (std::vector<std::string>{"example.com", "example.org"})) << "those that are served";
  EXPECT_EQ(d.nameservers, std::vector<std::string>{"ns.example.net"});
  EXPECT_EQ(d.ttl_s, 30U);
  ASSERT_EQ(d.edges.size(), 2U);
  EXPECT_EQ(d.edges[0].name, "edge-1.example.com");
  EXPECT_EQ(d.edges[0].addresses.size(), 2U);
  EXPECT_EQ(d.edges[0].weight, 100);
  EXPECT_TRUE(d.edges[0].is_probed && !d.edges[0].is_draining && !d.edges[0].control);
  EXPECT_EQ(d.edges[1].weight, 7);
  EXPECT_TRUE(!d.edges[1].is_probed && d.edges[1].is_draining);
  EXPECT_EQ(d.edges[1].control->text(), "192.0.2.99:7060");
  ASSERT_TRUE(config.directory_access);
  EXPECT_EQ(config.directory_access->socket, "/run/viaduct/edge-dns.sock");
  EXPECT_EQ(config.directory_access->group, "");
  EXPECT_FALSE(config.directory_access->http);
}

TEST(Config, TakesAPartOfADomainsNamesForAZone) {
  const Config config = loaded(edited(sample_config, "# limits", R"([directory]
zones = ["_UDP.example.com", "_sip._udp.example.org"]
nameservers = "ns.example.com"
listen = "[2001:db8::5]:8053"
socket = "names.sock"
group = "pdns"
[[directory.edge]]
name = "edge-1.example.com"
address = "192.0.2.1"
)"));
  EXPECT_EQ(config.directory.zones, (std::vector<std::string>{"_udp.example.com", "_sip._udp.example.org"}));
  EXPECT_EQ(config.directory_access->socket.filename(), "names.sock");
  EXPECT_EQ(config.directory_access->group, "pdns");
  EXPECT_EQ(config.directory_access->http->text(), "[2001:db8::5]:8053");
}

TEST(Config, BecomesADirectoryAtARestartOnly) {
  constexpr std::string_view directory =
      "[directory]\nnameservers = \"ns.example.net\"\n[[directory.edge]]\nname = \"edge-1.example.com\"\naddress = \"192.0.2.1\"\n";
  const Config without = loaded(std::string(sample_config)), with = loaded(edited(sample_config, "# limits", directory));
  for (const auto& [running, written] : {std::pair(&without, &with), std::pair(&with, &without)}) {
    EXPECT_EQ(needs_restart(*running, *written), std::vector<std::string>{"directory.socket, group, listen"});
    Config next = *written;
    keep_until_restart(*running, next);
    EXPECT_EQ(next.directory_access, running->directory_access);
    EXPECT_EQ(next.directory.edges.size(), running->directory.edges.size());
    EXPECT_EQ(next.directory.nameservers, running->directory.nameservers);
  }
}

TEST(Config, TheFleetsLogIsInEtcd) {
  EXPECT_FALSE(loaded(sample_config).etcd);
  const std::string_view table = "[control]\nlisten = \"192.0.2.1:7060\"\n[etcd]\nendpoints = [\"192.0.2.7:2379\", \"[2001:db8::7]:2379\"]\n";
  const Config config = loaded(edited(sample_config, "# limits", table));
  ASSERT_TRUE(config.etcd);
  ASSERT_EQ(config.etcd->endpoints.size(), 2U);
  EXPECT_EQ(config.etcd->endpoints[1].text(), "[2001:db8::7]:2379");
  EXPECT_EQ(config.etcd->prefix, "viaduct");
  EXPECT_TRUE(config.etcd->ca.empty() && config.etcd->certificate.empty());
  EXPECT_EQ(needs_restart(loaded(edited(sample_config, "# limits", "[control]\nlisten = \"192.0.2.1:7060\"")), config), std::vector<std::string>{"etcd"});
}

TEST(Config, AViaductNotifiesByItselfAndAnEdgeForTheOthers) {
  const Config config = loaded(edited(sample_config, "# south", "control = \"192.0.2.12:7060\""));
  EXPECT_TRUE(config.homes[0].edge_notifies);
  EXPECT_FALSE(config.homes[1].edge_notifies);
  EXPECT_FALSE(loaded(edited(sample_config, "# south", "viaduct = true")).homes[1].edge_notifies);
  EXPECT_FALSE(loaded(edited(sample_config, "# south", "reg_notifier = \"home\"")).homes[1].edge_notifies);
}

TEST(Config, SendsClientsToTheHomesAddressUnlessAPublicOneIsGiven) {
  const auto config =
      loaded(edited(sample_config, "# south",
                    "public = [\"203.0.113.5:5080\", \"[2001:db8::5]\"]\nweight = 3\ncapacity = 900\nviaduct = true\nmax_per_s = 50\nzone = \"b\""));
  ASSERT_EQ(config.homes.size(), 2U);
  EXPECT_EQ(config.homes[0].public_endpoints, std::vector{at("192.0.2.11")});
  EXPECT_FALSE(config.homes[0].is_viaduct);
  EXPECT_EQ(config.homes[0].weight, 1U);
  EXPECT_EQ(config.homes[1].public_endpoints, (std::vector{at("203.0.113.5:5080"), at("[2001:db8::5]:5060")}));
  EXPECT_TRUE(config.homes[1].is_viaduct);
  EXPECT_EQ(config.homes[1].weight, 3U);
  EXPECT_EQ(config.homes[0].capacity, 0U);
  EXPECT_EQ(config.homes[1].capacity, 900U);
  EXPECT_EQ(config.homes[0].max_per_s, 0U);
  EXPECT_EQ(config.homes[1].max_per_s, 50U);
  EXPECT_EQ(config.homes[0].zone, "");
  EXPECT_EQ(config.homes[1].zone, "b");
}

TEST(Config, TakesALocalHomeForAViaductOneAtItsOwnAddress) {
  const auto config = loaded(edited(edited(sample_config, "192.0.2.11", "192.0.2.1"), "# north", "local = true"));
  EXPECT_TRUE(config.homes[0].is_local);
  EXPECT_TRUE(config.homes[0].is_viaduct);
}

TEST(Config, ReachesAHomeOffLinkThroughTheGateway) {
  const auto far = edited(sample_config, "192.0.2.11", "198.51.100.1");
  EXPECT_EQ(loaded(edited(far, "# network", "gateway = \"192.0.2.254\"")).ways[0].via, at("192.0.2.254").address);
}

TEST(Config, HasListenersGatewaysHomesAndNeighboursOfBothIpVersions) {
  auto text = edited(sample_config, "\"192.0.2.1\"", "[\"192.0.2.1\", \"[2001:db8::1]:5070\"]");
  text = edited(text, "# network", "gateway = [\"192.0.2.254\", \"fe80::1\"]");
  text = edited(edited(text, "\"192.0.2.9\"", "\"2001:db8::9\""), "\"192.0.2.11\"", "\"[2001:db8:ffff::b]\"");
  const auto config = loaded(text);
  EXPECT_EQ(config.listen[1], Listen{at("[2001:db8::1]:5070")});
  EXPECT_EQ(config.ways[0].via, at("192.0.2.254").address);
  EXPECT_EQ(config.ways[1].via, at("[fe80::1]").address) << "a link-local address is on the link";
  EXPECT_EQ(config.neighbours[0].address, at("[2001:db8::9]").address);
  EXPECT_EQ(config.homes[0].address, at("[2001:db8:ffff::b]:5060"));
}

TEST(Config, PutsAListenerAndANeighbourOnAVlan) {
  const auto config = loaded(edited(edited(sample_config, "\"192.0.2.1\"", "\"192.0.2.1:5070 vlan 4094\""), "\"192.0.2.9\"\n", "\"192.0.2.9\"\nvlan = 7\n"));
  EXPECT_EQ(config.listen[0], (Listen{at("192.0.2.1:5070"), {0, 4094}}));
  EXPECT_EQ(config.neighbours[0].link, base::Link(0, 7));
}

TEST(Config, PutsListenersPrefixesRoutesAndNeighboursOnTheirPorts) {
  auto text = edited(sample_config, "\"192.0.2.1\"", "[\"192.0.2.1 on access\", \"198.51.100.1 on core vlan 7\"]");
  text = edited(text, "prefix = \"192.0.2.0/24\"",
                "prefix = [\"192.0.2.0/24 on access\", \"198.51.100.0/24 on core vlan 7\"]\nroute = \"203.0.113.0/24 via 198.51.100.9\"\n"
                "gateway = \"192.0.2.254\"");
  text = edited(edited(text, "\"192.0.2.9\"\n", "\"192.0.2.9\"\nport = \"core\"\n"), "\"192.0.2.11\"", "\"203.0.113.11\"");
  text += "[[dpdk.port]]\nname = \"access\"\n[[dpdk.port]]\nname = \"core\"\ninterface = \"eth2\"\n";
  const auto config = loaded(text);
  EXPECT_EQ(config.listen[1], (Listen{at("198.51.100.1"), {1, 7}}));
  EXPECT_EQ(config.on_link[0].link, base::Link(0, 0));
  EXPECT_EQ(config.on_link[1].link, base::Link(1, 7));
  EXPECT_EQ(config.neighbours[0].link, base::Link(1, 0));
  ASSERT_EQ(config.ways.size(), 2U);
  EXPECT_EQ(config.ways[0].link, base::Link(1, 7)) << "that of the prefix which its next hop is in";
  EXPECT_EQ(config.ways[1].link, base::Link(0, 0));
  ASSERT_EQ(config.dpdk.ports.size(), 2U);
  EXPECT_EQ(config.dpdk.ports[1].name, "core");
  EXPECT_EQ(config.dpdk.ports[1].device, "net_wire1");
}

TEST(Config, ReadsTheFleetsSecretsOctetByOctet) {
  const auto config = loaded(edited(sample_config, "1e1f\"]", "1e1f\", \"b:FF00000000000000000000000000000A\"]"));
  EXPECT_EQ(config.fleet_seed[0], 0x00);
  EXPECT_EQ(config.fleet_seed[15], 0x0f);
  ASSERT_EQ(config.fleet_keys.size(), 2U);
  EXPECT_EQ(config.fleet_keys[0].letter, 'a');
  EXPECT_EQ(config.fleet_keys[0].key[1], 0x11);
  EXPECT_EQ(config.fleet_keys[1].letter, 'b');
  EXPECT_EQ(config.fleet_keys[1].key[0], 0xff);
  EXPECT_EQ(config.fleet_keys[1].key[15], 0x0a);
}

TEST(Config, NeedsNoSecretsWithoutHomes) {
  auto text = std::string{sample_config.substr(0, sample_config.find("[fleet]"))};
  const auto config = loaded(text);
  EXPECT_TRUE(config.homes.empty());
  EXPECT_TRUE(config.fleet_keys.empty());
}

TEST(Config, BringsTheDefaultExpiryBetweenTheBoundsThatAreGiven) {
  EXPECT_EQ(loaded(edited(sample_config, "# registrar", "expires_max_s = 600")).expires_default_s, 600U);
}

TEST(Config, TakesHowLoadIsMeasured) {
  EXPECT_EQ(loaded(sample_config).measuring, (Measuring{.window_s = 300, .half_life_s = 1800, .clients_tracked = 1'000'000}));
  const auto config = loaded(edited(sample_config, "# registrar", "[balance]\nwindow_s = 5\nhalf_life_s = 60\nclients_tracked = 2048"));
  EXPECT_EQ(config.measuring, (Measuring{.window_s = 5, .half_life_s = 60, .clients_tracked = 2048}));
  EXPECT_EQ(needs_restart(loaded(sample_config), config), std::vector<std::string>{"balance.window_s, half_life_s, clients_tracked"});
}

TEST(Config, LoadsTheDocumentedExampleWithItsRealProfile) {
  const std::filesystem::path root{VIADUCT_SOURCE_ROOT};
  const auto config = load(root / "docs/viaduct.example.toml", {root / "dpdk-config"});
  ASSERT_TRUE(config.has_value()) << config.error().text;
  EXPECT_FALSE(config->homes.empty());
  EXPECT_FALSE(config->dpdk.eal_arguments.empty());
}

/// The sample with so many domains, and an alias of each.
std::string with_domains(std::size_t count) {
  std::string domains, aliases;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    domains += "\"d" + number + ".example\", ";
    aliases += "\"a" + number + ".example\" = \"d" + number + ".example\"\n";
  }
  return edited(edited(sample_config, "\"example.com\", \"example.org\"", domains), "# sip", "[sip.aliases]\n" + aliases);
}

TEST(Config, ReadsAsManyDomainsAsThereMayBeInNoTimeAndNotOneMore) {
  constexpr std::size_t most = 16'384;
  const auto begin = std::chrono::steady_clock::now();
  const auto config = loaded(with_domains(most));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(config.domains.size(), most);
  EXPECT_EQ(config.domain_aliases.size(), most);
  const Folder folder;
  const auto refused = load_text(folder, with_domains(most + 1));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().text.ends_with(":16: sip.domains: 16385 are too many; allowed: up to 16384")) << refused.error().text;
}

TEST(Restart, IsNotNeededForWhatAReloadApplies) {
  const auto running = loaded(sample_config);
  auto text = edited(sample_config, "# sip", "server = \"X\"");
  text = edited(text, "# redirect", "policy = \"never\"");
  text = edited(text, "# south", "public = \"203.0.113.5\"");
  text = edited(text, "# network", "gateway = \"192.0.2.254\"");
  text = edited(text, "00:09\"", "00:0a\"");
  text = edited(text, "# registrar", "expires_max_s = 3600\nbindings_max = 2000");
  EXPECT_TRUE(needs_restart(running, loaded(text)).empty());
}

TEST(Restart, IsNotNeededWhenHomesOnlyStandInAnotherOrder) {
  const auto running = loaded(sample_config);
  auto next = running;
  std::swap(next.homes[0], next.homes[1]);
  EXPECT_TRUE(needs_restart(running, next).empty());
}

TEST(Restart, TakesTheWaysWithIt) {
  const std::string_view on_link = "network.prefix, route, gateway, neighbour";
  const auto running = loaded(edited(sample_config, "# network", "gateway = \"192.0.2.254\""));
  auto other_ports = edited(edited(sample_config, "\"192.0.2.1\"", "\"192.0.2.1 on b\""), "192.0.2.0/24", "192.0.2.0/24 on b");
  other_ports = edited(edited(other_ports, "\"192.0.2.9\"", "\"192.0.2.9\"\nport = \"b\""), "# sip", "server = \"X\"");
  other_ports += "[[dpdk.port]]\nname = \"a\"\n[[dpdk.port]]\nname = \"b\"\ninterface = \"eth2\"\n";
  const auto of_the_kernel = edited(edited(sample_config, "prefix = \"192.0.2.0/24\"", "routes = \"kernel\""), "[dpdk]", "[exception]\ntap = \"tap0\"\n[dpdk]");
  for (const std::string& text : {other_ports, of_the_kernel}) {
    auto next = loaded(text);
    EXPECT_EQ(needs_restart(running, next).back(), on_link);
    keep_until_restart(running, next);
    EXPECT_TRUE(needs_restart(running, next).empty());
    ASSERT_EQ(next.on_link.size(), 1U);
    EXPECT_EQ(next.on_link[0].link, base::Link::any());
    EXPECT_EQ(next.ways.size(), 1U);
    EXPECT_EQ(next.neighbours, running.neighbours);
    EXPECT_EQ(next.server_header, loaded(text).server_header) << "what a reload applies is the new one";
  }
}

TEST(Restart, IsNotNeededForWaysOfTheSamePorts) {
  const auto running = loaded(sample_config);
  auto next = loaded(edited(edited(sample_config, "# network", "gateway = \"192.0.2.254\""), "# node", "workers = 2"));
  keep_until_restart(running, next);
  EXPECT_EQ(next.ways.size(), 1U);
  EXPECT_EQ(next.workers, 1U);
}

struct Restarting {
  std::string_view piece, by, key;
};
class RestartingKey : public testing::TestWithParam<Restarting> {};
TEST_P(RestartingKey, IsNamed) {
  const auto running = loaded(sample_config);
  const auto next = loaded(edited(sample_config, GetParam().piece, GetParam().by));
  const auto needed = needs_restart(running, next);
  ASSERT_FALSE(needed.empty());
  EXPECT_EQ(needed.front(), GetParam().key);
  // The store's folder has the node's name in it; shards come with their CPUs.
  EXPECT_EQ(needed.size(), GetParam().key == "node.name" || GetParam().key == "registrar.shards" ? 2u : 1u);
}
const Restarting restarting[] = {
    {"\"edge\"", "\"edge2\"", "node.name"},
    {"\"192.0.2.1\"", "\"192.0.2.2\"", "node.listen"},
    {"# network", "mtu = 9000", "network.mtu"},
    {"[dpdk]", "[exception]\ntap = \"tap0\"\n[dpdk]", "exception"},
    {"# node", "runtime_dir = \"/tmp\"", "node.runtime_dir"},
    {"# node", "burst_pkts = 16", "node.burst_pkts"},
    {"# node", "idle = \"adaptive\"", "node.idle"},
    {"# node", "worker_cpus = [77]", "node.worker_cpus"},
    {"eth1", "eth2", "dpdk"},
    {"0e0f\"", "0e0e\"", "fleet.seed"},
    {"# assign", "policy = \"explicit\"", "assign.policy"},
    {"# assign", "entries = 2000", "assign.entries"},
    {"# registrar", "shard_cpus = [77, 78]", "registrar.shards"},
    {"# limits", "ring_slots = 64", "limits.ring_slots"},
    {"# limits", "neighbours_max = 16", "limits.neighbours_max"},
    {"# limits", "redirects_kept = 1024", "limits.redirects_kept"},
};
INSTANTIATE_TEST_SUITE_P(Restart, RestartingKey, testing::ValuesIn(restarting));

}  // namespace
}  // namespace viaduct::config::test
