// SPDX-License-Identifier: Apache-2.0
// load(): the tables of the file in order, each read by its own reader; and what a running node cannot take over.
#include "viaduct/config/config.h"

#include <algorithm>

#include "reader.h"
#include "sections.h"

namespace viaduct::config {
namespace {

void read_all(const Table& root, const std::vector<std::filesystem::path>& profile_dirs, Config& config) {
  root.only({"node",   "network", "neighbour", "exception", "dpdk",     "sip",     "redirect", "proxy",   "fleet",     "home",   "health",
             "assign", "store",   "balance",   "registrar", "watchers", "control", "etcd",     "metrics", "directory", "screen", "limits"});
  const auto node = root.child("node");
  read_port_names(root.child("dpdk"), config);
  read_node(node, config);
  read_network(root, config);
  read_exception(root.child("exception"), config);
  read_dpdk(root.child("dpdk"), profile_dirs, config);
  config.idle = node.choice<Idle>("idle", {{"adaptive", Idle::adaptive}, {"poll", Idle::poll}}, config.dpdk.idle_default);
  read_sip(root.child("sip"), config);
  read_redirect(root.child("redirect"), config);
  read_proxy(root.child("proxy"), config);
  read_homes(root, config);
  read_fleet(root.child("fleet"), config);
  read_health(root.child("health"), config);
  read_assign(root.child("assign"), config);
  read_store(root.child("store"), config);
  read_balance(root.child("balance"), config);
  read_registrar(root.child("registrar"), config);
  read_watchers(root.child("watchers"), config);
  read_control(root.child("control"), config);
  read_etcd(root.child("etcd"), config);
  read_metrics(root.child("metrics"), config);
  read_directory(root.child("directory"), config);
  read_screen(root.child("screen"), config);
  read_limits(root.child("limits"), config);
}

/// `visit(key, member)` for each that a running node cannot take over.
template <typename Visit>
void each_fixed(Visit visit) {
  visit("node.name", &Config::node_name);
  visit("node.listen", &Config::listen);
  visit("node.runtime_dir", &Config::runtime_dir);
  visit("node.workers", &Config::workers);
  visit("node.worker_cpus", &Config::worker_cpus);
  visit("node.control_cpu", &Config::control_cpu);
  visit("node.burst_pkts", &Config::burst_pkts);
  visit("node.idle", &Config::idle);
  visit("network.routes", &Config::routes);
  visit("network.mtu", &Config::mtu_bytes);
  visit("exception", &Config::exception);
  visit("dpdk", &Config::dpdk);
  visit("fleet.seed", &Config::fleet_seed);
  visit("assign.policy", &Config::assign_policy);
  visit("assign.entries", &Config::entries_expected);
  visit("store.path", &Config::store_path);
  visit("store.size_max", &Config::store_bytes_max);
  visit("store.fsync", &Config::store_fsync);
  visit("balance.window_s, half_life_s, clients_tracked", &Config::measuring);
  visit("registrar.shards", &Config::shards);
  visit("registrar.shard_cpus", &Config::shard_cpus);
  visit("control.listen", &Config::control_listen);
  visit("etcd", &Config::etcd);
  visit("metrics.listen", &Config::metrics_listen);
  visit("directory.socket, group, listen", &Config::directory_access);
  visit("screen.cache_entries", &Config::screen_cache_entries);
  visit("limits.ring_slots", &Config::ring_slots);
  visit("limits.neighbours_max", &Config::neighbours_max);
  visit("limits.redirects_kept", &Config::redirects_kept);
  visit("limits.limit_entries", &Config::limit_entries);
}

/// Whether links and ways of the one mean the same in the other: links name ports by their numbers, and ways are the configuration's or the kernel's.
bool shares_links(const Config& a, const Config& b) {
  return a.routes == b.routes && std::ranges::equal(a.dpdk.ports, b.dpdk.ports, {}, &DpdkPort::name, &DpdkPort::name);
}

}  // namespace

std::filesystem::path from_folder_of(const std::filesystem::path& file, const std::filesystem::path& path) {
  return path.is_absolute() ? path : (file.parent_path() / path).lexically_normal();
}

std::expected<Config, Error> load(const std::filesystem::path& file, const std::vector<std::filesystem::path>& profile_dirs) {
  Config config;
  config.file = file;
  try {
    const Document document{file};
    read_all(document.root(), profile_dirs, config);
  } catch (const Refused& refused) {
    return std::unexpected(Error{refused.text});
  }
  return config;
}

std::vector<std::string> needs_restart(const Config& running, const Config& next) {
  std::vector<std::string> out;
  each_fixed([&](const char* key, auto member) {
    if (running.*member != next.*member) out.emplace_back(key);
  });
  if (!shares_links(running, next)) out.emplace_back("network.prefix, route, gateway, neighbour");
  return out;
}

void keep_until_restart(const Config& running, Config& next) {
  if (!shares_links(running, next)) {
    next.on_link = running.on_link;
    next.ways = running.ways;
    next.neighbours = running.neighbours;
  }
  if (running.directory_access.has_value() != next.directory_access.has_value()) next.directory = running.directory;
  each_fixed([&](const char*, auto member) { next.*member = running.*member; });
}

}  // namespace viaduct::config
