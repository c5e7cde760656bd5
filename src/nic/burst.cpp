// SPDX-License-Identifier: Apache-2.0
// Packets taken, sent and given back, a burst at a time. Nothing here allocates but buffers, locks or waits.
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <cstring>

#include "impl.h"
#include "viaduct/base/limits.h"

namespace viaduct::nic {
namespace {

static_assert(base::headroom_bytes == RTE_PKTMBUF_HEADROOM, "the headroom is DPDK's build's");
static_assert(note_bytes % RTE_MBUF_PRIV_ALIGN == 0);

/// Packet is a handle of pointer size, so that an array of them is what DPDK takes.
[[nodiscard]] rte_mbuf** raw(std::span<Packet> pkts) { return reinterpret_cast<rte_mbuf**>(pkts.data()); }

/// Tell the device what to compute. Its frames are ours: Ethernet with or without tag, IPv4 without options or IPv6, and of these only UDP in one packet
/// comes with an unfinished checksum; all else, and packets with options, is finished by who wrote it.
void ask_for_checksums(rte_mbuf& buffer) {
  const auto* frame = rte_pktmbuf_mtod(&buffer, const std::uint8_t*);
  buffer.l2_len = 14;
  if (frame[12] == 0x81 && frame[13] == 0x00) {
    frame += 4;
    buffer.l2_len = 18;
  }
  const std::uint16_t type = static_cast<std::uint16_t>(frame[12] << 8 | frame[13]);
  buffer.ol_flags = 0;
  buffer.l3_len = 0;
  const bool is_fragment = ((frame[20] & 0x3f) | frame[21]) != 0;
  if (type == RTE_ETHER_TYPE_IPV4 && frame[14] == 0x45 && frame[23] == IPPROTO_UDP && !is_fragment) {
    buffer.l3_len = 20;
    buffer.ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM;
  } else if (type == RTE_ETHER_TYPE_IPV6 && frame[20] == IPPROTO_UDP) {
    buffer.l3_len = 40;
    buffer.ol_flags = RTE_MBUF_F_TX_IPV6 | RTE_MBUF_F_TX_UDP_CKSUM;
  }
}

[[nodiscard]] Packet fresh(rte_mempool& pool) {
  Packet p{rte_pktmbuf_alloc(&pool)};
  if (p) p.set_port(0);
  return p;
}

}  // namespace

std::size_t Port::receive(std::uint16_t queue, std::span<Packet> pkts) {
  const std::size_t count = rte_eth_rx_burst(impl_->device.index, queue, raw(pkts), static_cast<std::uint16_t>(pkts.size()));
  // EAL numbers devices in an order of its own.
  if (impl_->number != impl_->device.index)
    for (Packet p : pkts.first(count)) p.set_port(impl_->number);
  return count;
}

std::size_t Port::send(std::uint16_t queue, std::span<Packet> pkts) {
  if (impl_->tx_checksums)
    for (const Packet p : pkts) ask_for_checksums(*p.raw());
  return rte_eth_tx_burst(impl_->device.index, queue, raw(pkts), static_cast<std::uint16_t>(pkts.size()));
}

Packet Port::allocate() { return fresh(*impl_->pool); }
Packet Port::allocate_large() { return fresh(*impl_->large_pool); }

Packet Port::in_one_buffer(Packet p) {
  const std::uint32_t bytes = p.raw()->pkt_len;
  Packet whole = bytes <= base::large_packet_bytes_max ? allocate_large() : Packet{};
  if (whole) {
    const void* const at = rte_pktmbuf_read(p.raw(), 0, bytes, whole.data());
    if (at != whole.data()) std::memcpy(whole.data(), at, bytes);  // it was in one buffer already
    whole.set(whole.data(), bytes);
    whole.set_port(p.port());
  }
  nic::free(p);
  return whole;
}

void free(std::span<Packet const> pkts) {
  // DPDK takes an array that it could write to, and does not.
  rte_pktmbuf_free_bulk(raw({const_cast<Packet*>(pkts.data()), pkts.size()}), static_cast<unsigned>(pkts.size()));
}

}  // namespace viaduct::nic
