// SPDX-License-Identifier: Apache-2.0
// load(): the tables of the file in order, each read by its own reader; and what a running node cannot take over.
#include "viaduct/config/config.h"

#include "reader.h"
#include "sections.h"

namespace viaduct::config {
namespace {

void read_all(const Table& root, const std::vector<std::filesystem::path>& profile_dirs, Config& config) {
  root.only({"node", "network", "neighbour", "exception", "dpdk", "sip", "redirect", "proxy", "fleet", "home", "health", "assign", "store", "balance",
             "registrar", "watchers", "control", "screen", "limits"});
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
  read_screen(root.child("screen"), config);
  read_limits(root.child("limits"), config);
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
  const auto compare = [&](const char* key, const auto& member) {
    if (running.*member != next.*member) out.emplace_back(key);
  };
  compare("node.name", &Config::node_name);
  compare("node.listen", &Config::listen);
  compare("node.runtime_dir", &Config::runtime_dir);
  compare("node.workers", &Config::workers);
  compare("node.worker_cpus", &Config::worker_cpus);
  compare("node.control_cpu", &Config::control_cpu);
  compare("node.burst_pkts", &Config::burst_pkts);
  compare("node.idle", &Config::idle);
  compare("network.routes", &Config::routes);
  compare("network.mtu", &Config::mtu_bytes);
  compare("exception", &Config::exception);
  compare("dpdk", &Config::dpdk);
  compare("fleet.seed", &Config::fleet_seed);
  compare("assign.policy", &Config::assign_policy);
  compare("assign.entries", &Config::entries_expected);
  compare("store.path", &Config::store_path);
  compare("store.size_max", &Config::store_bytes_max);
  compare("store.fsync", &Config::store_fsync);
  compare("balance.window_s, half_life_s, clients_tracked", &Config::measuring);
  compare("registrar.shards", &Config::shards);
  compare("registrar.shard_cpus", &Config::shard_cpus);
  compare("control.listen", &Config::control_listen);
  compare("screen.cache_entries", &Config::screen_cache_entries);
  compare("limits.ring_slots", &Config::ring_slots);
  compare("limits.neighbours_max", &Config::neighbours_max);
  compare("limits.redirects_kept", &Config::redirects_kept);
  compare("limits.limit_entries", &Config::limit_entries);
  return out;
}

}  // namespace viaduct::config
