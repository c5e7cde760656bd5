// SPDX-License-Identifier: Apache-2.0
// One reader a table of the file, in the order in which load() calls them: a later one may look at what an earlier one has filled.
#pragma once
#include "reader.h"
#include "viaduct/config/config.h"

namespace viaduct::config {

/// The names of the ports, which others then use.
void read_port_names(const Table& dpdk, Config& config);
/// Needs the ports' names, as those of [network] and [[neighbour]].
void read_node(const Table& node, Config& config);
void read_network(const Table& root, Config& config);
void read_exception(const Table& exception, Config& config);
/// Needs the node's workers; fills the profile's idle policy as a default. `profile_dirs` are searched in order.
void read_dpdk(const Table& dpdk, const std::vector<std::filesystem::path>& profile_dirs, Config& config);
void read_sip(const Table& sip, Config& config);
void read_redirect(const Table& redirect, Config& config);
void read_proxy(const Table& proxy, Config& config);
/// Needs [node] and [network]: a home must be another place than this node's own, and one that can be reached.
void read_homes(const Table& root, Config& config);
/// Needs the homes: with any, seed and keys must be there.
void read_fleet(const Table& fleet, Config& config);
void read_health(const Table& health, Config& config);
void read_assign(const Table& assign, Config& config);
/// Needs [node]: the default path has the node's name in it.
void read_store(const Table& store, Config& config);
void read_balance(const Table& balance, Config& config);
/// Needs [node]: shards take the CPUs behind the workers'.
void read_registrar(const Table& registrar, Config& config);
void read_watchers(const Table& watchers, Config& config);
/// Needs the fleet: calls are authenticated by its keys.
void read_control(const Table& control, Config& config);
void read_etcd(const Table& etcd, Config& config);
void read_metrics(const Table& metrics, Config& config);
/// Needs [node], [network], [sip] and the fleet: edges elsewhere are asked how they are.
void read_directory(const Table& directory, Config& config);
void read_screen(const Table& screen, Config& config);
void read_limits(const Table& limits, Config& config);

/// A CPU for each of so many cores: those behind the control core's first, and round again when there are fewer. Needs [node].
[[nodiscard]] std::vector<unsigned> spread(unsigned cores, unsigned control_cpu);
/// Whether there is a way to an address. Needs [network].
[[nodiscard]] bool is_reached(const Config& config, const base::Address& a);
/// `path`, counted from the folder of the configuration file.
[[nodiscard]] std::filesystem::path from_folder_of(const std::filesystem::path& file, const std::filesystem::path& path);

}  // namespace viaduct::config
