// SPDX-License-Identifier: Apache-2.0
// Cutting one packet, or letting routers do it: fragments get buffers of their own, since each has headers of its own.
#include "viaduct/site/fragmenter.h"

#include "viaduct/base/check.h"

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

nic::Packet Fragmenter::allocate(std::size_t mtu_bytes) {
  constexpr std::size_t headers_bytes_max = 14 + 4;
  return headers_bytes_max + mtu_bytes <= base::packet_bytes_max ? ports_.allocate() : ports_.allocate_large();
}

std::span<nic::Packet> Fragmenter::fit(nic::Packet large) {
  const std::span<const std::uint8_t> addresses = addresses_of(large.octets());
  const bool is_v4 = addresses.size() == 8;
  const net::Cut how{.mtu_bytes = is_v4 ? mtu_bytes_ : base::mtu_bytes_min, .identification = identifications_.next(addresses)};
  const std::size_t count = net::fragment_count(large.octets(), how.mtu_bytes);
  if (count > 1) return cut(large, count, how);
  net::allow_fragments(large.octets(), how.identification);
  fragments_[0] = large;
  return {fragments_.data(), 1};
}

std::span<nic::Packet> Fragmenter::cut(nic::Packet whole, std::size_t count, const net::Cut& how) {
  if (ports_.checksum_work() == net::ChecksumWork::offload) net::finish_udp_sum(whole.octets());
  base::check(count <= fragments_.size(), "a datagram in a buffer of ours has at most fragments_sent_max fragments");
  for (std::size_t i = 0; i < count; ++i) {
    fragments_[i] = allocate(how.mtu_bytes);
    if (!fragments_[i]) {
      nic::free(whole);
      nic::free(std::span<nic::Packet const>{fragments_.data(), i});
      return {};
    }
    std::uint8_t* const start = fragments_[i].data();
    fragments_[i].set_port(whole.port());
    fragments_[i].set(start, net::write_fragment(whole.octets(), i, how, {start, fragments_[i].tailroom()}));
  }
  nic::free(whole);
  return {fragments_.data(), count};
}

}  // namespace viaduct::site
