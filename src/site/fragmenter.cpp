// SPDX-License-Identifier: Apache-2.0
// Cutting one packet: its fragments get buffers of their own, since each has headers of its own.
#include "viaduct/site/fragmenter.h"

#include "viaduct/base/check.h"
#include "viaduct/net/fragments.h"

namespace viaduct::site {
namespace {

// Source and destination in the IP header of a frame.
std::span<const std::uint8_t> addresses_of(std::span<const std::uint8_t> frame) {
  const std::size_t ip = net::link_bytes(frame);
  return frame[ip] >> 4 == 4 ? frame.subspan(ip + 12, 8) : frame.subspan(ip + 8, 32);
}

}  // namespace

std::uint32_t Identifications::next(std::span<const std::uint8_t> addresses) {
  const base::Hash128 hash = base::siphash128(secret_, {reinterpret_cast<const char*>(addresses.data()), addresses.size()});
  std::atomic<std::uint32_t>& counter = counters_[hash.low % counters_.size()];
  return static_cast<std::uint32_t>(hash.high) + counter.fetch_add(1, std::memory_order_relaxed);
}

nic::Packet Fragmenter::allocate() {
  constexpr std::size_t headers_bytes_max = 14 + 4;
  return headers_bytes_max + mtu_bytes_ <= base::packet_bytes_max ? ports_.allocate() : ports_.allocate_large();
}

std::span<nic::Packet> Fragmenter::cut(nic::Packet whole) {
  if (ports_.checksum_work() == net::ChecksumWork::offload) net::finish_udp_sum(whole.octets());
  const std::size_t count = net::fragment_count(whole.octets(), mtu_bytes_);
  base::check(count <= fragments_.size(), "a datagram in a buffer of ours has at most fragments_sent_max fragments");
  const net::Cut cut{.mtu_bytes = mtu_bytes_, .identification = identifications_.next(addresses_of(whole.octets()))};
  for (std::size_t i = 0; i < count; ++i) {
    fragments_[i] = allocate();
    if (!fragments_[i]) {
      nic::free(whole);
      nic::free(std::span<nic::Packet const>{fragments_.data(), i});
      return {};
    }
    std::uint8_t* const start = fragments_[i].data();
    fragments_[i].set_port(whole.port());
    fragments_[i].set(start, net::write_fragment(whole.octets(), i, cut, {start, fragments_[i].tailroom()}));
  }
  nic::free(whole);
  return {fragments_.data(), count};
}

}  // namespace viaduct::site
