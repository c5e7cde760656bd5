// SPDX-License-Identifier: Apache-2.0
// The resolver's frames: ARP and ND for addresses of ours answered, what others say of themselves learned, echo answered, questions written.
#include <algorithm>

#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"
#include "viaduct/control/resolver.h"
#include "viaduct/net/icmp.h"

namespace viaduct::control {

bool Resolver::is_ours(const site::LinkAddress& at) const { return commons_.site.read().has_address(at.address, at.link); }

// The address of ours that asks for that one; unset when none is on its link.
base::Address Resolver::asker(const site::LinkAddress& at) const {
  const site::Listener* const found = commons_.site.read().egress(at.address, at.link);
  return found != nullptr ? found->endpoint.address : base::Address{};
}

void Resolver::take_frame(nic::Packet p, const net::Frame& frame, std::uint64_t now_ms) {
  switch (frame.kind) {
    case net::FrameKind::arp:
      return take_arp(p, frame.link, now_ms);
    case net::FrameKind::neighbour:
      return take_nd(p, frame, now_ms);
    case net::FrameKind::icmp_echo:
      return take_echo(p, frame);
    case net::FrameKind::icmp_error:
      return take_icmp_error(p, frame);
    case net::FrameKind::udp:
    case net::FrameKind::fragment:
      break;
  }
  base::fail("a datagram on the control core's ring");
}

void Resolver::take_arp(nic::Packet p, base::Link link, std::uint64_t now_ms) {
  const auto arp = net::parse_arp(p.octets());
  if (!arp || !is_ours({.address = arp->target, .link = link})) {
    counters_.arp_ignored.add(1);
    return exceptions_.give(p, link);
  }
  // Whoever asks us will be sent to: heard in requests, too (RFC 826, packet reception); in answers who was asked for. A probe has no sender yet (RFC 5227).
  const site::LinkAddress sender{.address = arp->sender, .link = link};
  const bool is_probe = arp->sender == base::Address::v4({0, 0, 0, 0});
  if (!is_probe && (arp->is_request || neighbours_.contains(sender))) hear(sender, arp->sender_mac, now_ms);
  if (!arp->is_request || kernel_answers_) return exceptions_.give(p, link);
  const net::Arp answer{.is_request = false, .sender_mac = mac_of(link), .sender = arp->target, .target_mac = arp->sender_mac, .target = arp->sender};
  p.set(p.data(), net::arp_frame_bytes);
  net::write_arp(p.octets(), answer);
  site::direct(p, link);
  counters_.arp_answered.add(1);
  wire_.send(p);
}

void Resolver::take_nd(nic::Packet p, const net::Frame& frame, std::uint64_t now_ms) {
  const auto m = net::parse_nd(p.octets(), frame);
  if (m && m->is_solicitation && is_ours({.address = m->target, .link = frame.link})) return take_solicitation(p, frame, *m, now_ms);
  if (m && !m->is_solicitation)
    take_advertisement(*m, frame.link, now_ms);
  else
    counters_.nd_ignored.add(1);
  exceptions_.give(p, frame.link);
}

// RFC 4861 7.2.3 and 7.2.4: who asks is learned and told; a host that asks whether an address of ours is free is told as all others are.
void Resolver::take_solicitation(nic::Packet p, const net::Frame& frame, const net::NeighbourMessage& m, std::uint64_t now_ms) {
  const bool is_probe = m.source.is_unset();
  if (!is_probe && m.link_address) hear({.address = m.source, .link = frame.link}, *m.link_address, now_ms);
  if (kernel_answers_) return exceptions_.give(p, frame.link);
  const net::NeighbourMessage answer{.is_solicited = !is_probe,
                                     .overrides = true,
                                     .source = m.target,
                                     .destination = is_probe ? net::all_nodes : m.source,
                                     .target = m.target,
                                     .link_address = mac_of(frame.link)};
  p.set(p.data(), net::nd_frame_bytes);
  net::write_nd(p.octets(), answer, is_probe ? net::multicast_mac(net::all_nodes) : frame.source_mac);
  site::direct(p, frame.link);
  counters_.nd_answered.add(1);
  wire_.send(p);
}

// RFC 4861 7.2.5: only of a neighbour that we have asked for, and another MAC than the one known only when it says so.
void Resolver::take_advertisement(const net::NeighbourMessage& m, base::Link link, std::uint64_t now_ms) {
  const site::LinkAddress at{.address = m.target, .link = link};
  const auto found = neighbours_.find(at);
  const bool is_news = found != neighbours_.end() && m.link_address && (!found->second.known || m.overrides || found->second.mac == *m.link_address);
  if (!is_news) return counters_.nd_ignored.add(1);
  learn(at, *m.link_address, now_ms);
}

// It must quote what a listener of ours may have sent to a home, and come to that listener: the rest of the world is not heard.
void Resolver::take_icmp_error(nic::Packet p, const net::Frame& frame) {
  const auto error = net::parse_icmp_error({p.data() + frame.payload_offset, frame.payload_bytes}, frame.source.address.is_v4());
  const site::Site& site = commons_.site.read();
  const site::Listener* const sender = error ? site.listener(error->source) : nullptr;
  const assign::HomeIndex home = error ? site.homes.find(error->destination) : assign::no_home;
  const bool names_home = home != assign::no_home && site.homes[home].address == error->destination;
  const bool came_to_sender = sender != nullptr && sender->link == frame.link && sender->endpoint.address == frame.destination.address;
  if (!names_home || !came_to_sender) {
    counters_.icmp_ignored.add(1);
    return exceptions_.give(p, frame.link);
  }
  nic::free(p);
  if (error->is_too_big) return counters_.icmp_too_big.add(1);
  counters_.icmp_unreachable.add(1);
  if (unreachable_.contains(error->destination) || unreachable_.size() < base::homes_max) ++unreachable_[error->destination];
  tell_unreachable_(home);
}

std::uint64_t Resolver::unreachable(const base::Endpoint& home) const {
  const auto found = unreachable_.find(home);
  return found != unreachable_.end() ? found->second : 0;
}

void Resolver::take_echo(nic::Packet p, const net::Frame& frame) {
  if (!is_ours({.address = frame.destination.address, .link = frame.link})) {
    counters_.echo_ignored.add(1);
    return exceptions_.give(p, frame.link);
  }
  net::turn_echo(p.octets());
  site::direct(p, frame.link);
  counters_.echo_answered.add(1);
  wire_.send_as_it_is(p);
}

// An ARP request, or a solicitation to the target's group. False: no address of ours could ask; the packet stays the caller's.
bool Resolver::send_question(nic::Packet p, const site::LinkAddress& about) {
  const base::Address from = asker(about);
  if (from.is_unset()) return false;
  if (about.address.is_v4()) {
    p.set(p.data(), net::arp_frame_bytes);
    net::write_arp(p.octets(), {.is_request = true, .sender_mac = mac_of(about.link), .sender = from, .target = about.address});
    counters_.arp_asked.add(1);
  } else {
    const base::Address group = net::solicited_node(about.address);
    p.set(p.data(), net::nd_frame_bytes);
    net::write_nd(p.octets(), {.is_solicitation = true, .source = from, .destination = group, .target = about.address, .link_address = mac_of(about.link)},
                  net::multicast_mac(group));
    counters_.nd_asked.add(1);
  }
  site::direct(p, about.link);
  wire_.send(p);
  return true;
}

}  // namespace viaduct::control
