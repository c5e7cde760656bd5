// SPDX-License-Identifier: Apache-2.0
// Ports brought up: queues, spreading, offloads and pools, as far as the devices have them. Packets are burst.cpp's.
#include <immintrin.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "impl.h"
#include "viaduct/base/limits.h"

namespace viaduct::nic {
namespace {

using Failure = std::unexpected<std::string>;

/// Buffers that each lcore keeps at hand; rte_mempool lets a cache grow to one and a half times that.
constexpr unsigned cache_buffers = 256;

[[nodiscard]] Failure failure(std::uint16_t index, const std::string& what, int error) {
  return Failure("port " + std::to_string(index) + ": " + what + ": " + rte_strerror(-error));
}

constexpr std::uint64_t rx_checksum_offloads = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;

/// How packets are spread over several rx queues, as far as the device can: UDP and TCP flows by addresses and ports; fragments, which show no ports, by
/// addresses, and UDP too where the device does not know its ports.
[[nodiscard]] std::uint64_t spreading(std::uint64_t offered) {
  constexpr std::uint64_t flows = RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_FRAG_IPV6;
  constexpr std::uint64_t addresses = RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6;
  return offered & ((offered & RTE_ETH_RSS_UDP) != 0 ? flows : flows | addresses);
}

/// Virtual devices deal flows to their queues by themselves; a PCI device that cannot be told how would leave all queues but one empty.
[[nodiscard]] bool can_spread(const rte_eth_dev_info& info) {
  return spreading(info.flow_type_rss_offloads) != 0 || std::string_view(rte_bus_name(rte_dev_bus(info.device))) != "pci";
}

/// virtio is told one number for both kinds of queues, by DPDK the larger one, and deals flows to as many: to an rx queue that nobody has, too.
[[nodiscard]] bool pairs_queues(const rte_eth_dev_info& info) { return std::string_view(info.driver_name).starts_with("net_virtio"); }

/// As many queues as asked for, as far as the device has them, and one more for the control core if it has that too.
void choose_queues(Started& port, const PortConfig& config, const rte_eth_dev_info& info) {
  port.rx_queues = can_spread(info) ? std::min(config.queues_wanted, info.max_rx_queues) : std::min<std::uint16_t>(1, info.max_rx_queues);
  const std::uint16_t tx_queues_max = pairs_queues(info) ? port.rx_queues : info.max_tx_queues;
  port.tx_queues = std::min(config.queues_wanted, tx_queues_max);
  port.has_control_queue = config.control_queue && port.tx_queues < tx_queues_max;
  if (port.has_control_queue) ++port.tx_queues;
}

[[nodiscard]] rte_eth_conf device_config(const Started& port, const rte_eth_dev_info& info, bool is_jumbo) {
  rte_eth_conf conf{};
  const std::uint64_t spread = spreading(info.flow_type_rss_offloads);
  if (port.rx_queues > 1 && spread != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf = spread;
  }
  if (port.rx_checksums) conf.rxmode.offloads |= rx_checksum_offloads & info.rx_offload_capa;
  if (port.tx_checksums) conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
  // A frame above an ordinary buffer comes in several, where the device can, and is put into a large one.
  if (is_jumbo) conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER & info.rx_offload_capa;
  return conf;
}

/// Buffers of `data_bytes` behind the headroom, and the note before it; each lcore keeps some `cache` of them for itself. A preempted lcore must not hold up the others at the pool's ring
/// (workers may share a CPU), therefore `ring_mt_rts`.
[[nodiscard]] std::expected<Pool, std::string> make_pool(const std::string& name, unsigned count, unsigned cache, std::size_t data_bytes, int socket) {
  const auto room = static_cast<std::uint16_t>(base::headroom_bytes + data_bytes);
  Pool pool{rte_pktmbuf_pool_create_by_ops(name.c_str(), count, cache, note_bytes, room, socket, "ring_mt_rts")};
  if (pool) return pool;
  return Failure("no memory for " + std::to_string(count) + " buffers of " + std::to_string(room) + " octets: " + rte_strerror(rte_errno) +
                 "; give DPDK more memory (-m, or hugepages) or take fewer buffers");
}

/// The configured count is for the program; what the device's rings and the lcores' caches can hold comes on top, so that these never starve it.
[[nodiscard]] std::expected<void, std::string> make_pools(Started& port, const PortConfig& config) {
  const int socket = rte_eth_dev_socket_id(port.device.index);
  const unsigned in_rings = unsigned{port.rx_queues} * port.rx_descriptors + unsigned{port.tx_queues} * port.tx_descriptors;
  const unsigned in_caches = rte_lcore_count() * cache_buffers * 3 / 2;
  const std::string suffix = std::to_string(port.device.index);
  auto pool = make_pool("packets_" + suffix, config.buffers_count + in_rings + in_caches, cache_buffers, base::packet_bytes_max, socket);
  if (!pool) return Failure(pool.error());
  port.pool = std::move(*pool);
  // Large ones are few, and are taken on one lcore and given back on another: none keeps any, since those that need them would find none.
  auto large = make_pool("large_" + suffix, config.large_buffers_count, 0, base::large_packet_bytes_max, socket);
  if (!large) return Failure(large.error());
  port.large_pool = std::move(*large);
  return {};
}

[[nodiscard]] std::expected<void, std::string> configure(Started& port, const PortConfig& config) {
  const std::uint16_t index = port.device.index;
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(index, &info); error != 0) return failure(index, "no device information", error);
  port.driver = info.driver_name;
  choose_queues(port, config, info);
  if (port.rx_queues == 0 || port.tx_queues == 0) return Failure("port " + std::to_string(index) + " (" + port.driver + ") has no queues");
  // IPv4's header is soon summed up, and devices of virtual machines leave it to us.
  port.believes_device = config.offload == Offload::automatic;
  port.rx_checksums = port.believes_device && (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
  port.tx_checksums = port.believes_device && (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_UDP_CKSUM) != 0;
  const rte_eth_conf conf = device_config(port, info, config.mtu_bytes > base::mtu_bytes);
  if (const int error = rte_eth_dev_configure(index, port.rx_queues, port.tx_queues, &conf); error != 0)
    return failure(index, "configuring " + std::to_string(port.rx_queues) + " rx and " + std::to_string(port.tx_queues) + " tx queues", error);
  port.device.is_configured = true;
  if (config.mtu_bytes != 0 && config.mtu_bytes != base::mtu_bytes)
    if (const int error = rte_eth_dev_set_mtu(index, static_cast<std::uint16_t>(config.mtu_bytes)); error != 0 && error != -ENOTSUP)
      return failure(index, "an MTU of " + std::to_string(config.mtu_bytes), error);
  port.rx_descriptors = config.rx_descriptors;
  port.tx_descriptors = config.tx_descriptors;
  if (const int error = rte_eth_dev_adjust_nb_rx_tx_desc(index, &port.rx_descriptors, &port.tx_descriptors); error != 0)
    return failure(index, "adjusting descriptors", error);
  return {};
}

[[nodiscard]] std::expected<void, std::string> start_queues(const Started& port) {
  const std::uint16_t index = port.device.index;
  const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(index));
  for (std::uint16_t q = 0; q < port.rx_queues; ++q)
    if (const int error = rte_eth_rx_queue_setup(index, q, port.rx_descriptors, socket, nullptr, port.pool.get()); error != 0)
      return failure(index, "rx queue " + std::to_string(q), error);
  for (std::uint16_t q = 0; q < port.tx_queues; ++q)
    if (const int error = rte_eth_tx_queue_setup(index, q, port.tx_descriptors, socket, nullptr); error != 0)
      return failure(index, "tx queue " + std::to_string(q), error);
  if (const int error = rte_eth_dev_start(index); error != 0) return failure(index, "starting", error);
  // What the kernel has beside us may have other MAC addresses, virtual routers' among them. Several devices cannot.
  static_cast<void>(rte_eth_promiscuous_enable(index));
  // Who looks for an IPv6 address asks a multicast group (RFC 4861 7.2.2).
  static_cast<void>(rte_eth_allmulticast_enable(index));
  return {};
}

}  // namespace

void Device::close() {
  if (!std::exchange(is_configured, false)) return;
  rte_eth_dev_stop(index);
  rte_eth_dev_close(index);
}

std::expected<std::unique_ptr<Port>, std::string> Port::start(const PortConfig& config) {
  std::uint16_t index{};
  if (rte_eth_dev_get_port_by_name(config.device.c_str(), &index) != 0)
    return Failure("EAL found no device " + config.device + "; see the profile's arguments");
  auto impl = std::make_unique<Impl>();
  impl->device.index = index;
  impl->number = config.number;
  impl->unverified = config.ignore_udp_checksum ? net::ChecksumTrust::ignore : net::ChecksumTrust::verify;
  if (config.offload == Offload::pretended) {
    impl->unverified = net::ChecksumTrust::good;
    impl->uncomputed = net::ChecksumWork::none;
  }
  if (const auto ok = configure(*impl, config); !ok) return Failure(ok.error());
  if (const auto ok = make_pools(*impl, config); !ok) return Failure(ok.error());
  if (const auto ok = start_queues(*impl); !ok) return Failure(ok.error());
  return std::unique_ptr<Port>(new Port(std::move(impl)));
}

Port::Port(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Port::~Port() = default;

std::expected<Ports, std::string> Ports::start(std::span<const PortConfig> configs) {
  std::vector<std::unique_ptr<Port>> ports;
  for (const PortConfig& config : configs) {
    auto port = Port::start(config);
    if (!port) return Failure(port.error());
    ports.push_back(std::move(*port));
  }
  const bool all_compute = std::ranges::all_of(ports, [](const auto& p) { return p->impl_->tx_checksums; });
  for (const auto& p : ports) p->impl_->tx_checksums = all_compute;
  return Ports(std::move(ports));
}

Ports::~Ports() {
  for (const auto& p : ports_) p->impl_->device.close();
}

bool Ports::lacks_queues(std::size_t workers) const {
  return std::ranges::any_of(ports_, [&](const auto& p) { return p->rx_queues() < workers; });
}

net::Mac Port::mac() const {
  rte_ether_addr address{};
  static_cast<void>(rte_eth_macaddr_get(impl_->device.index, &address));
  net::Mac mac;
  std::memcpy(mac.data(), address.addr_bytes, mac.size());
  return mac;
}

PortStatistics Port::statistics() const {
  rte_eth_stats s{};
  static_cast<void>(rte_eth_stats_get(impl_->device.index, &s));
  return {.rx_pkts = s.ipackets,
          .rx_bytes = s.ibytes,
          .rx_missed = s.imissed,
          .rx_errors = s.ierrors,
          .rx_no_buffer = s.rx_nombuf,
          .tx_pkts = s.opackets,
          .tx_bytes = s.obytes,
          .tx_errors = s.oerrors};
}

std::uint16_t Port::rx_queues() const { return impl_->rx_queues; }
std::uint16_t Port::tx_queues() const { return impl_->tx_queues; }
bool Port::has_control_queue() const { return impl_->has_control_queue; }
ChecksumPolicy Port::checksum_policy() const { return {impl_->unverified, impl_->believes_device}; }
net::ChecksumWork Port::checksum_work() const { return impl_->tx_checksums ? net::ChecksumWork::offload : impl_->uncomputed; }
std::string Port::driver() const { return impl_->driver; }

std::string_view Port::rx_checksums() const {
  if (impl_->rx_checksums) return "device";
  return impl_->unverified == net::ChecksumTrust::verify ? "software" : "nobody";
}

std::string_view Port::tx_checksums() const {
  if (impl_->tx_checksums) return "device";
  return impl_->uncomputed == net::ChecksumWork::software ? "software" : "nobody";
}

ChecksumPolicy::ChecksumPolicy(net::ChecksumTrust unverified, bool believes_devices) {
  for (std::uint64_t i = 0; i < by_flags_.size(); ++i) {
    const std::uint64_t flags = _pdep_u64(i, checksum_flags_mask);
    const bool udp_is_good = (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    const bool both_are_good = udp_is_good && (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    const bool is_told = believes_devices && udp_is_good;
    by_flags_[i] = !is_told ? unverified : both_are_good ? net::ChecksumTrust::good : net::ChecksumTrust::ignore;
  }
}

}  // namespace viaduct::nic
