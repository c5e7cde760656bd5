// SPDX-License-Identifier: Apache-2.0
#include "settings.h"

#include <algorithm>

#include "viaduct/base/limits.h"

namespace viaduct {

static location::Rules rules_of(const config::Config& c) {
  return {.expires_default_s = c.expires_default_s,
          .expires_min_s = c.expires_min_s,
          .expires_max_s = c.expires_max_s,
          .expires_spread_percent = c.expires_spread_percent,
          .bindings_per_aor_max = c.bindings_per_aor_max,
          .bindings_max = c.bindings_max};
}

static notifier::WatchRules watch_rules_of(const config::Watching& w) {
  return {.expires_default_s = w.expires_default_s,
          .expires_min_s = w.expires_min_s,
          .expires_max_s = w.expires_max_s,
          .per_client_max = w.per_client_max,
          .subscriptions_max = w.subscriptions_max,
          .notifies_per_s = w.notifies_per_s};
}

nic::EalConfig eal_of(const config::Config& c) {
  std::vector<unsigned> cpus = c.worker_cpus;
  cpus.insert(cpus.end(), c.shard_cpus.begin(), c.shard_cpus.end());
  return {.arguments = c.dpdk.eal_arguments, .file_prefix = "viaduct-" + c.node_name, .core_cpus = std::move(cpus), .control_cpu = c.control_cpu};
}

static nic::Offload offload_of(const config::Dpdk& d) {
  if (d.pretend_checksum_offload) return nic::Offload::pretended;
  return d.checksum_offload ? nic::Offload::automatic : nic::Offload::software;
}

std::vector<nic::PortConfig> ports_of(const config::Config& c) {
  std::vector<nic::PortConfig> out;
  for (const config::DpdkPort& port : c.dpdk.ports)
    out.push_back({.device = port.device,
                   .number = static_cast<std::uint16_t>(out.size()),
                   .queues_wanted = static_cast<std::uint16_t>(std::min<unsigned>(c.workers, c.dpdk.rx_queues_max)),
                   .control_queue = c.dpdk.control_queue,
                   .rx_descriptors = c.dpdk.rx_descriptors,
                   .tx_descriptors = c.dpdk.tx_descriptors,
                   .buffers_count = c.dpdk.buffers_count,
                   .large_buffers_count = c.dpdk.large_buffers_count,
                   .offload = offload_of(c.dpdk),
                   .ignore_udp_checksum = c.dpdk.ignore_udp_checksum,
                   .mtu_bytes = c.mtu_bytes});
  return out;
}

store::LmdbOptions store_of(const config::Config& c) {
  return {.folder = c.store_path,
          .bytes_max = c.store_bytes_max,
          .fsync = c.store_fsync == config::StoreFsync::full ? store::Fsync::full : store::Fsync::deferred,
          .access = store::Access::write,
          .fleet_seed = c.fleet_seed};
}

store::EtcdOptions etcd_of(const config::Config& c, const store::Store& store) {
  std::string identity;   // its store's, which one process has open
  if (const auto snapshot = store.snapshot())
    if (const auto mark = (*snapshot)->mark(); mark && *mark) identity = std::to_string((*mark)->high) + std::to_string((*mark)->low);
  return {.endpoints = c.etcd->endpoints,
          .prefix = c.etcd->prefix,
          .identity = identity,
          .node = c.node_name,
          .ca = c.etcd->ca,
          .certificate = c.etcd->certificate,
          .key = c.etcd->key};
}

edge::WorkerConfig worker_of(const config::Config& c, unsigned index) {
  return {.index = index,
          .burst_pkts = c.burst_pkts,
          .redirects_kept = c.redirects_kept,
          .limit_entries = c.limit_entries,
          .screen_cache_entries = c.screen_cache_entries,
          .idle = c.idle};
}

migration::MoverSettings mover_of(const config::Config& c) {
  const config::Balance& b = c.balance;
  return {.deadline_s = b.deadline_s,
          .cooldown_s = b.cooldown_s,
          .settled_s = b.settled_s,
          .clients_per_s = static_cast<double>(b.clients_per_s),
          .receiver_clients_per_s = static_cast<double>(b.receiver_clients_per_s),
          .donor_clients_per_s = static_cast<double>(b.donor_clients_per_s)};
}

migration::BalanceSettings balance_of(const config::Config& c) {
  const config::Balance& b = c.balance;
  const auto ratio = [](std::uint32_t percent) { return static_cast<double>(percent) / 100; };
  migration::BalanceSettings out;
  out.automatic = b.automatic == config::AutoBalance::off       ? migration::Auto::off
                  : b.automatic == config::AutoBalance::propose ? migration::Auto::propose
                                                                : migration::Auto::apply;
  out.limits.target = ratio(b.target_percent);
  out.limits.capacity_ratio_max = ratio(b.capacity_percent);
  out.limits.moves_ratio_max = ratio(b.plan_moves_percent);
  out.thresholds.uneven = ratio(b.uneven_percent);
  out.thresholds.uneven_windows = b.uneven_windows;
  out.thresholds.hot = ratio(b.hot_percent);
  out.thresholds.churn_per_hour = ratio(b.hour_moves_percent);
  return out;
}

std::expected<registrar::Settings, std::string> registrar_of(const config::Config& c, const sip::Domains& domains) {
  registrar::Settings out{.rules = rules_of(c), .watch_rules = watch_rules_of(c.watching), .realm = c.realm, .secrets = nullptr};
  if (c.credentials_file.empty()) return out;
  for (const sip::DigestAlgorithm algorithm : c.digest_algorithms)
    if (!registrar::is_computed(algorithm))
      return std::unexpected("registrar.algorithms: OpenSSL computes no " + std::string(sip::name(algorithm)) + " on this machine");
  auto secrets = registrar::Secrets::read(c.credentials_file, c.digest_algorithms, domains, c.fleet_seed);
  if (!secrets) return std::unexpected("registrar.credentials: " + secrets.error());
  out.secrets = std::make_shared<const registrar::Secrets>(std::move(*secrets));
  return out;
}

unsigned fragmented_datagrams(const config::Config& c) {
  return std::clamp(c.dpdk.buffers_count / (base::buffers_per_fragmented_datagram * c.workers), 1U, base::fragmented_datagrams_max);
}

}  // namespace viaduct
