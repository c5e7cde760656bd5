// SPDX-License-Identifier: Apache-2.0
// The stage that finds the datagrams for us among the frames received: tags taken out, buffers joined, fragments put together, all else sent elsewhere.
#include "path.h"

#include <algorithm>
#include <cstring>

#include "viaduct/net/usual_frame.h"
#include "viaduct/net/vlan.h"

namespace viaduct::edge {

// Four cache lines a step: a few behind the text are asked for in vain.
static void prefetch(std::string_view text) {
  for (const char *at = text.data(), *end = at + text.size(); at < end; at += 256) {
    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
    __builtin_prefetch(at + 128);
    __builtin_prefetch(at + 192);
  }
}

// The station that a frame is sent to: its MAC address as a number.
static std::uint64_t station_of(const std::uint8_t* frame) {
  constexpr std::uint64_t mac_mask = 0xffff'ffff'ffff;
  std::uint64_t octets = 0;
  std::memcpy(&octets, frame, sizeof octets);
  return octets & mac_mask;
}

Path::Stations Path::stations_of(const nic::Ports& ports) {
  Stations out{};
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const net::Mac mac = ports[i].mac();
    std::memcpy(&out[i], mac.data(), mac.size());
  }
  return out;
}

// What a switch floods, and what is sent to all, is not for us although it names an address of ours (RFC 1122 3.3.6).
[[gnu::always_inline]] inline bool Path::is_sent_to_us(const Job& job) const {
  return station_of(job.pkt.data()) == stations_[job.pkt.port()] || is_for_virtual_router(job);
}

// RFC 9568 7.3: the router that is the active one has the address, the other has not; and both may get the frame.
[[gnu::noinline]] bool Path::is_for_virtual_router(const Job& job) const {
  constexpr std::array<std::uint8_t, 4> prefix = {0x00, 0x00, 0x5e, 0x00};
  const std::uint8_t* const frame = job.pkt.data();
  return std::equal(prefix.begin(), prefix.end(), frame) && (frame[4] == 1 || frame[4] == 2) &&
         commons_.neighbours.read().is_kernels(job.frame.destination.address);
}

// A frame that is no UDP for one of our listeners ends here; so does a keep-alive.
std::span<Job*> Path::look(std::span<Job> jobs, const Site& site) {
  std::size_t count = 0;
  for (Job& job : jobs) {
    if (job.pkt.is_segmented() && !gather(job)) continue;
    const net::ChecksumTrust trust = checksums_.trust(job.pkt);
    if (trust != net::ChecksumTrust::verify && net::is_usual_frame(job.pkt.octets(), trust)) [[likely]] {
      net::describe_usual_frame(job.pkt.data(), {job.pkt.port(), 0}, job.frame);
      net::read_source(job.pkt.data(), job.subject.source);
    } else if (!read_frame(job, trust, site)) {
      continue;
    }
    job.subject.listener = site.listener(job.frame.destination);
    if (job.subject.listener == nullptr || job.subject.listener->link != job.frame.link) {
      refuse_datagram(job);
      continue;
    }
    if (!is_sent_to_us(job)) [[unlikely]] {
      actor_.drop(job, base::Drop::mac_not_ours);
      continue;
    }
    const std::string_view text = job.payload();
    job.subject.readable_behind = job.pkt.tailroom();
    prefetch(text);
    sound_[count++] = &job;
  }
  return {sound_.data(), count};
}

// One for the place of a listener, on another link, is for nobody: the kernel would say that nobody listens there.
[[gnu::noinline]] void Path::refuse_datagram(Job& job) {
  if (job.subject.listener != nullptr) return actor_.drop(job, base::Drop::frame_not_ours);
  actor_.refuse(job, base::Drop::frame_not_ours);
}

// A frame in several buffers is put into one. False: it is dropped.
[[gnu::noinline]] bool Path::gather(Job& job) {
  const bool fits = job.pkt.bytes_in_all() <= base::large_packet_bytes_max;
  job.pkt = commons_.ports.in_one_buffer(job.pkt);
  if (!job.pkt) counters_.count(fits ? base::Drop::buffers_exhausted : base::Drop::sip_too_large);
  return static_cast<bool>(job.pkt);
}

// ARP and Neighbour Discovery ask all, or a group.
bool Path::is_misdelivered(const Job& job, const Site& site) const {
  const net::FrameKind kind = job.frame.kind;
  const bool is_for_one = kind == net::FrameKind::icmp_echo || kind == net::FrameKind::icmp_error || kind == net::FrameKind::fragment;
  return is_for_one && site.has_address(job.frame.destination.address, job.frame.link) && !is_sent_to_us(job);
}

// Any frame. False: the packet has another owner.
bool Path::read_frame(Job& job, net::ChecksumTrust trust, const Site& site) {
  const auto vlan = net::vlan_of(job.pkt.octets());
  if (vlan) job.pkt.set(net::remove_tag(job.pkt.data()), job.pkt.bytes() - net::tag_bytes);
  if (!describe(job, trust, {job.pkt.port(), vlan.value_or(0)})) return false;
  if (is_misdelivered(job, site)) return actor_.drop(job, base::Drop::mac_not_ours), false;
  if (job.frame.kind == net::FrameKind::fragment && !collect(job, site)) return false;
  job.subject.source = job.frame.source;
  if (job.frame.kind == net::FrameKind::udp) return true;
  actor_.act_on_frame(job);
  return false;
}

bool Path::describe(Job& job, net::ChecksumTrust trust, base::Link link) {
  const auto why = net::read_frame(job.pkt.octets(), trust, job.frame);
  job.frame.link = link;
  if (why) actor_.refuse(job, *why);
  return !why;
}

// A fragment for an address of ours. True: with it the datagram is whole, and is the job's packet now.
[[gnu::noinline]] bool Path::collect(Job& job, const Site& site) {
  const base::Link link = job.frame.link;
  if (!site.has_address(job.frame.destination.address, link)) return actor_.refuse(job, base::Drop::frame_not_ours), false;
  const nic::Reassembly done = reassembler_.take(job.pkt, job.frame, nic::ticks());
  counters_.fragments_expired.add(done.expired);
  counters_.fragments_spoilt.add(done.spoilt);
  switch (done.fragment) {
    case nic::Fragment::completed:
      break;
    case nic::Fragment::kept:
      return counters_.count(base::Verdict::collected), false;
    case nic::Fragment::misfit:
      return counters_.count(base::Drop::fragment_misfit), false;
    case nic::Fragment::table_full:
      return counters_.count(base::Drop::fragment_table_full), false;
    case nic::Fragment::too_large:
      return counters_.count(base::Drop::sip_too_large), false;
    case nic::Fragment::no_buffer:
      return counters_.count(base::Drop::buffers_exhausted), false;
  }
  counters_.reassembled.add(1);
  job.pkt = done.datagram;
  if (!describe(job, checksums_.unverified(), link)) return false;
  if (job.frame.kind == net::FrameKind::fragment) return actor_.drop(job, base::Drop::fragment_invalid), false;
  return true;
}

}  // namespace viaduct::edge
