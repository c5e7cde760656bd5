// SPDX-License-Identifier: Apache-2.0
// The table of rte_ip_frag, and what its answers mean: it tells of nothing but whole datagrams, so the rest is read from whom it lets die.
#include "viaduct/nic/reassembler.h"

#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_ip_frag.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <bit>
#include <span>

#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"

namespace viaduct::nic {
namespace {

constexpr std::uint32_t bucket_entries = 16;   // a power of two: so many datagrams whose keys meet are told apart
constexpr std::uint64_t ms_per_s = 1000;

/// The table does not look at where its fragments came from: the note of each says it.
bool came_by_one_link(const rte_mbuf* chain) {
  const auto link_of = [](const rte_mbuf* m) { return Packet{const_cast<rte_mbuf*>(m)}.note<base::Link>(); };
  for (const rte_mbuf* m = chain->next; m != nullptr; m = m->next)
    if (link_of(m) != link_of(chain)) return false;
  return true;
}

struct DestroyTable {
  void operator()(rte_ip_frag_tbl* table) const { rte_ip_frag_table_destroy(table); }
};

}  // namespace

struct Reassembler::Impl {
  std::unique_ptr<rte_ip_frag_tbl, DestroyTable> table;
  rte_ip_frag_death_row dead{};

  // A whole datagram in several buffers, or nullptr.
  rte_mbuf* process(rte_mbuf* m, bool is_v4, std::uint64_t now_ticks) {
    auto* const ip = rte_pktmbuf_mtod_offset(m, std::uint8_t*, RTE_ETHER_HDR_LEN);
    if (is_v4) return rte_ipv4_frag_reassemble_packet(table.get(), &dead, m, now_ticks, reinterpret_cast<rte_ipv4_hdr*>(ip));
    auto* const fragment = reinterpret_cast<rte_ipv6_fragment_ext*>(ip + sizeof(rte_ipv6_hdr));
    return rte_ipv6_frag_reassemble_packet(table.get(), &dead, m, now_ticks, reinterpret_cast<rte_ipv6_hdr*>(ip), fragment);
  }
  // What was joined before a hole was found stands in the row as one.
  [[nodiscard]] bool is_dead(const rte_mbuf* buffer) const {
    for (const rte_mbuf* m : std::span{dead.row, dead.cnt})
      for (; m != nullptr; m = m->next)
        if (m == buffer) return true;
    return false;
  }
  // How many there were.
  std::uint64_t bury() {
    std::uint64_t count = 0;
    for (const rte_mbuf* m : std::span{dead.row, dead.cnt}) count += m->nb_segs;
    rte_ip_frag_free_death_row(&dead, 0);
    return count;
  }
};

Reassembler::Reassembler(const Ports& ports, unsigned datagrams_max) : ports_(ports), impl_(std::make_unique<Impl>()) {
  // Twice as many places as datagrams, so that the bound is theirs and not that of a bucket.
  const std::uint32_t buckets = std::max(1U, std::bit_ceil(2 * datagrams_max) / bucket_entries);
  const std::uint64_t wait_ticks = rte_get_tsc_hz() * base::fragments_wait_ms / ms_per_s;
  impl_->table.reset(rte_ip_frag_table_create(buckets, bucket_entries, datagrams_max, wait_ticks, SOCKET_ID_ANY));
  base::check(impl_->table != nullptr, "memory for the table of fragments");
}

Reassembler::~Reassembler() {
  while (expire(~std::uint64_t{0}) != 0) {
  }
}

Reassembly Reassembler::take(Packet p, const net::Frame& f, std::uint64_t now_ticks) {
  rte_mbuf* const m = p.raw();
  p.set(p.data(), std::size_t{f.payload_offset} + f.payload_bytes);
  p.note<base::Link>() = f.link;
  m->l2_len = RTE_ETHER_HDR_LEN;
  m->l3_len = (f.payload_offset - RTE_ETHER_HDR_LEN) & 0x1ff;  // the field has nine bits; a header of IPv4 ends at 60
  rte_mbuf* const whole = impl_->process(m, f.source.address.is_v4(), now_ticks);
  if (whole == nullptr) return judge_unfinished(m);
  kept_ -= whole->nb_segs - 1U;
  const std::uint64_t dead = impl_->bury();
  kept_ -= dead;
  if (!came_by_one_link(whole)) return spoil(Packet{whole}, dead);
  return in_one_buffer(Packet{whole}, dead);
}

// Dead together with others of its kind: these were of its datagram. Dead alone: there was no place. Alive: what died had waited too long.
Reassembly Reassembler::judge_unfinished(const rte_mbuf* buffer) {
  const bool is_dead = impl_->is_dead(buffer);
  const std::uint64_t others = impl_->bury() - (is_dead ? 1 : 0);
  kept_ -= others;
  if (is_dead) return {.fragment = others != 0 ? Fragment::misfit : Fragment::table_full, .datagram = {}, .spoilt = others};
  ++kept_;
  return {.fragment = Fragment::kept, .datagram = {}, .expired = others};
}

Reassembly Reassembler::spoil(Packet chain, std::uint64_t expired) {
  const std::uint64_t others = chain.raw()->nb_segs - 1U;
  nic::free(chain);
  return {.fragment = Fragment::misfit, .datagram = {}, .expired = expired, .spoilt = others};
}

// ip_frag leaves IPv4's checksum at 0.
Reassembly Reassembler::in_one_buffer(Packet chain, std::uint64_t expired) {
  const bool fits = chain.raw()->pkt_len <= base::large_packet_bytes_max;
  const Packet whole = ports_.in_one_buffer(chain);
  if (!whole) return {.fragment = fits ? Fragment::no_buffer : Fragment::too_large, .datagram = {}, .expired = expired};
  auto* const ip = reinterpret_cast<rte_ipv4_hdr*>(whole.data() + RTE_ETHER_HDR_LEN);
  if (ip->version_ihl >> 4 == 4) ip->hdr_checksum = rte_ipv4_cksum(ip);
  return {.fragment = Fragment::completed, .datagram = whole, .expired = expired};
}

std::uint64_t Reassembler::expire(std::uint64_t now_ticks) {
  rte_ip_frag_table_del_expired_entries(impl_->table.get(), &impl_->dead, now_ticks);
  const std::uint64_t dead = impl_->bury();
  kept_ -= dead;
  return dead;
}

}  // namespace viaduct::nic
