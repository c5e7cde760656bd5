// SPDX-License-Identifier: Apache-2.0
// A configuration that loads, one marked line a table for edits, and the profile that it names.
#pragma once
#include <expected>
#include <stdexcept>
#include <string>
#include <string_view>

#include "folder.h"
#include "viaduct/config/config.h"

namespace viaduct::config::test {

inline constexpr std::string_view sample_config = R"([node]
name = "edge"
listen = "192.0.2.1"
# node
[network]
prefix = "192.0.2.0/24"
# network
[[neighbour]]
address = "192.0.2.9"
mac = "02:00:00:00:00:09"
[dpdk]
profile = "wire"
interface = "eth1"
# dpdk
[sip]
domains = ["example.com", "example.org"]
# sip
[redirect]
# redirect
[fleet]
seed = "000102030405060708090a0b0c0d0e0f"
keys = ["a:101112131415161718191a1b1c1d1e1f"]
# fleet
[[home]]
name = "north"
address = "192.0.2.11"
# north
[[home]]
name = "south"
address = "192.0.2.12"
# south
[assign]
# assign
[registrar]
# registrar
[limits]
# limits
)";

inline constexpr std::string_view sample_profile = R"(device = "net_wire{port}"
eal = ["--vdev=net_wire{port},iface={interface},qpairs={workers}"]
memory = ["--no-huge", "-m", "{memory_mb}"]
memory_huge = ["--socket-mem={memory_mb}"]
rx_queues_max = "workers"
control_queue = false
rx_descriptors = 512
tx_descriptors = 256
buffers = 8191
large_buffers = 255
checksum_offload = true
ignore_udp_checksum = true
idle = "poll"
parameters = { interface = "", memory_mb = "256", rx_pcap = "in.pcap" }
)";

/// The sample with one piece of its text replaced.
inline std::string edited(std::string_view text, std::string_view piece, std::string_view by) {
  std::string out{text};
  const auto at = out.find(piece);
  if (at == out.npos) throw std::logic_error("the sample has no " + std::string{piece});
  return out.replace(at, piece.size(), by);
}

/// Load a configuration (and a profile) written into a folder of the test's own.
inline std::expected<Config, Error> load_text(const Folder& folder, std::string_view config, std::string_view profile = sample_profile) {
  folder.write("wire.toml", profile);
  return load(folder.write("node.conf", config), {folder.path()});
}

}  // namespace viaduct::config::test
