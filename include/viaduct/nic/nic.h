// SPDX-License-Identifier: Apache-2.0
// The machine's packets: EAL, ports with their queues and buffer pools, and bursts in and out. Knows nothing of SIP.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/net/frame.h"
#include "viaduct/nic/packet.h"

namespace viaduct::nic {

/// How EAL is started: everything already substituted.
struct EalConfig {
  std::vector<std::string> arguments;   ///< from the profile: --no-pci, --vdev=..., -a ...
  std::string file_prefix;              ///< the node's name: several daemons live on one machine
  std::vector<unsigned> core_cpus;      ///< one a core beside the control core: workers, then registrar shards; the same CPU may stand several times
  unsigned control_cpu{};
};

/// Start EAL once a process: the calling thread becomes lcore 0, the control core, on control_cpu; lcores 1..N are the other cores, idle until launched.
/// DPDK's warnings go to standard error. Errors: what EAL said, and the arguments; there is no second try in the same process.
[[nodiscard]] std::expected<void, std::string> start_eal(const EalConfig& config);
/// From now on take the memory of the calling thread, and of threads that it starts, from where core_cpus' first `cores` are: from their NUMA node as long as that has
/// some, from each of several in turns. False: the kernel refuses, and memory comes as it comes. Nothing to do on a machine of one node.
[[nodiscard]] bool take_memory_near(unsigned cores);
/// Run `body` on one of core_cpus' lcores (0-based) until it returns; it must be idle. `argument` lives until then.
void launch(unsigned core, void (*body)(void*), void* argument);
/// Wait for that lcore to return.
void join(unsigned core);
/// CPU time-stamp counter and its rate: the workers' clock.
[[nodiscard]] std::uint64_t ticks();
[[nodiscard]] std::uint64_t ticks_per_second();
/// The same clock in milliseconds.
[[nodiscard]] std::uint64_t now_ms();

/// Checksum work that is asked from the device.
enum class Offload : std::uint8_t {
  automatic,  ///< what the device offers
  software,  ///< nothing
  pretended  ///< nothing, and nothing is verified or written either: for measuring what a device with offload would leave to us
};

struct PortConfig {
  std::string device;  ///< as EAL names it: net_af_packet0, 0000:03:00.0
  std::uint16_t number{};  ///< among the node's ports: what its packets carry
  std::uint16_t queues_wanted{1};  ///< rx queues, one a worker
  bool control_queue{};  ///< ask for one more tx queue, used by the control core
  std::uint16_t rx_descriptors{1024};
  std::uint16_t tx_descriptors{1024};
  unsigned buffers_count{16383};  ///< ordinary buffers for rings between cores and bursts; the device's rings and lcore caches come on top
  unsigned large_buffers_count{1023};
  Offload offload{};
  bool ignore_udp_checksum{};  ///< peers on veth send unfinished checksums
  std::size_t mtu_bytes{};  ///< octets of an IP packet; another than Ethernet's 1,500 is asked of the device
};

// One row a count of a port, as its driver has it: name, and what it counts.
#define VIADUCT_PORT_COUNTERS(X)                                                          \
  X(rx_pkts, "packets received")                                                          \
  X(rx_bytes, "octets received")                                                          \
  X(rx_missed, "packets lost since a receive queue was full: the workers do not keep up") \
  X(rx_errors, "packets received with an error")                                          \
  X(rx_no_buffer, "times that a packet came and there was no buffer for it")              \
  X(tx_pkts, "packets sent")                                                              \
  X(tx_bytes, "octets sent")                                                              \
  X(tx_errors, "packets that could not be sent")

struct PortStatistics {
#define X(name, what) std::uint64_t name{};
  VIADUCT_PORT_COUNTERS(X)
#undef X
};

/// How far a received packet's checksums are believed.
class ChecksumPolicy {
 public:
  /// What to do with what no device has verified, and whether it is believed that a device has.
  ChecksumPolicy(net::ChecksumTrust unverified, bool believes_devices);
  [[nodiscard]] net::ChecksumTrust trust(Packet p) const { return by_flags_[p.checksum_flags()]; }
  /// Of a packet that no device has looked at: one put together here.
  [[nodiscard]] net::ChecksumTrust unverified() const { return by_flags_[0]; }

 private:
  std::array<net::ChecksumTrust, 1U << std::popcount(checksum_flags_mask)> by_flags_{};
};

/// One started port; a device is started once a process. Where it offers less than was asked for, it gives what there is.
/// Thread: receive and send of one queue from one thread at a time; buffers may be taken and freed by any.
/// Some drivers (tap) send signals to the process: system calls of other threads may return early with EINTR.
class Port {
 public:
  /// Errors: what the device or the memory refused, with the driver's reason.
  [[nodiscard]] static std::expected<std::unique_ptr<Port>, std::string> start(const PortConfig& config);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] net::Mac mac() const;
  [[nodiscard]] std::uint16_t rx_queues() const;  ///< at most queues_wanted; workers beyond get their packets by ring
  [[nodiscard]] std::uint16_t tx_queues() const;  ///< at most queues_wanted, and the control queue
  [[nodiscard]] bool has_control_queue() const;  ///< then its index is tx_queues() - 1
  /// offload or software: how the headers of every UDP frame sent here must be written.
  [[nodiscard]] net::ChecksumWork checksum_work() const;
  /// What to do with a received packet's checksums, by what the device says of them. It stays the same from start to end.
  [[nodiscard]] ChecksumPolicy checksum_policy() const;

  /// Take up to pkts.size() packets; returns how many. The caller owns them.
  [[nodiscard]] std::size_t receive(std::uint16_t queue, std::span<Packet> pkts);
  /// Send in order; returns how many the queue accepted. The rest stays with the caller. Offload flags are set here when checksum_work is offload.
  [[nodiscard]] std::size_t send(std::uint16_t queue, std::span<Packet> pkts);

  /// An empty ordinary (headroom_bytes + packet_bytes_max) or large buffer, of the first port's until it is set; empty handle when the pool is exhausted.
  [[nodiscard]] Packet allocate();
  [[nodiscard]] Packet allocate_large();
  /// The same octets in one large buffer; the packet is taken over. Empty: they do not fit, or there is none.
  [[nodiscard]] Packet in_one_buffer(Packet p);
  [[nodiscard]] PortStatistics statistics() const;
  [[nodiscard]] std::string driver() const;
  /// Who verifies UDP's checksums, and who computes them: `device`, `software`, or `nobody`.
  [[nodiscard]] std::string_view rx_checksums() const;
  [[nodiscard]] std::string_view tx_checksums() const;

 private:
  friend class Ports;
  struct Impl;
  explicit Port(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// All ports of a node, by number. What one offers and another does not, none is asked for: a packet may leave by any.
class Ports {
 public:
  /// Shape: 1 to base::ports_max; numbers are their places. Errors: as Port::start, of the first that does not start.
  [[nodiscard]] static std::expected<Ports, std::string> start(std::span<const PortConfig> configs);
  Ports(Ports&&) noexcept = default;
  Ports& operator=(Ports&&) noexcept = default;
  /// All devices let go of their packets before any pool goes.
  ~Ports();
  [[nodiscard]] std::size_t size() const { return ports_.size(); }
  [[nodiscard]] Port& operator[](std::size_t number) const { return *ports_[number]; }
  /// Of each of them.
  [[nodiscard]] net::ChecksumWork checksum_work() const { return ports_.front()->checksum_work(); }
  [[nodiscard]] ChecksumPolicy checksum_policy() const { return ports_.front()->checksum_policy(); }
  /// Some port has fewer rx queues than that.
  [[nodiscard]] bool lacks_queues(std::size_t workers) const;
  /// From the first port's pools.
  [[nodiscard]] Packet allocate() const { return ports_.front()->allocate(); }
  [[nodiscard]] Packet allocate_large() const { return ports_.front()->allocate_large(); }
  [[nodiscard]] Packet in_one_buffer(Packet p) const { return ports_.front()->in_one_buffer(p); }

 private:
  explicit Ports(std::vector<std::unique_ptr<Port>> ports) : ports_(std::move(ports)) {}
  std::vector<std::unique_ptr<Port>> ports_;
};

/// Give buffers back to their pools.
void free(std::span<Packet const> pkts);
inline void free(Packet p) { free(std::span<Packet const>{&p, 1}); }

}  // namespace viaduct::nic
