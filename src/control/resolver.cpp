// SPDX-License-Identifier: Apache-2.0
// Address resolution beside the path (RFC 826, RFC 1122 2.3.2): bounded in neighbours, in packets that wait, and in requests sent.
#include "viaduct/control/resolver.h"

#include <algorithm>
#include <cstring>

#include "viaduct/base/check.h"

namespace viaduct::control {
namespace {

constexpr unsigned asks_max = 3;                   // requests before giving up
constexpr std::uint64_t ask_interval_ms = 1'000;   // RFC 1122 2.3.2.1: at most one a second for a destination
constexpr std::uint64_t refresh_ms = 60'000;       // after that a neighbour is asked again, still in use
constexpr std::size_t waiting_per_neighbour_max = 16;
constexpr std::size_t waiting_max = 1'024;         // packet buffers that may wait in all
constexpr std::uint64_t tick_ms = 10;

}  // namespace

Resolver::Resolver(site::Commons& commons, site::Wire& wire, std::size_t neighbours_max) : commons_(commons), wire_(wire), neighbours_max_(neighbours_max) {}

Resolver::~Resolver() {
  for (auto& [address, n] : neighbours_) give_up(n);
}

void Resolver::set_static(const std::vector<config::Neighbour>& neighbours) {
  std::erase_if(neighbours_, [](const auto& entry) { return entry.second.is_static; });
  for (const config::Neighbour& c : neighbours) {
    Neighbour& n = neighbours_[c.address];
    n.mac = c.mac;
    n.known = n.is_static = true;
    release(n);
  }
  changed_ = true;
  publish();
}

void Resolver::take(nic::Packet p, std::uint64_t now_ms) {
  const auto note = p.note<site::Note>();
  switch (note.kind) {
    case site::Note::Kind::arp:
      return take_arp(p, now_ms);
    case site::Note::Kind::icmp_echo:
      return take_echo(p, note);
    case site::Note::Kind::unresolved:
      return wait_for(p, note.next_hop, now_ms);
    case site::Note::Kind::registration:
      break;
  }
  base::fail("a registration on the control core's ring");
}

void Resolver::take_arp(nic::Packet p, std::uint64_t now_ms) {
  const auto arp = net::parse_arp(p.octets());
  const auto& listeners = commons_.site.read().listeners;
  const bool for_us = arp && std::ranges::any_of(listeners, [&](const site::Listener& l) { return l.endpoint.address == arp->target; });
  if (!for_us) {
    counters_.arp_ignored.add(1);
    return nic::free(p);
  }
  // Whoever asks us will be sent to: learned from requests, too (RFC 826, packet reception). A probe has no sender yet (RFC 5227).
  if (!arp->sender.is_unset() && arp->sender != base::Address::v4({0, 0, 0, 0})) learn(arp->sender, arp->sender_mac, now_ms);
  if (!arp->is_request) return nic::free(p);
  const net::Arp answer{.is_request = false, .sender_mac = commons_.port.mac(), .sender = arp->target, .target_mac = arp->sender_mac, .target = arp->sender};
  p.set(p.data(), net::arp_frame_bytes);
  net::write_arp(p.octets(), answer);
  counters_.arp_answered.add(1);
  wire_.send(p);
}

void Resolver::take_echo(nic::Packet p, const site::Note& note) {
  const auto& listeners = commons_.site.read().listeners;
  if (std::ranges::none_of(listeners, [&](const site::Listener& l) { return l.endpoint.address == note.frame.destination.address; })) {
    counters_.echo_ignored.add(1);
    return nic::free(p);
  }
  net::turn_echo(p.octets());
  counters_.echo_answered.add(1);
  wire_.send(p);
}

void Resolver::wait_for(nic::Packet p, const base::Address& hop, std::uint64_t now_ms) {
  auto found = neighbours_.find(hop);
  if (found == neighbours_.end() && neighbours_.size() < neighbours_max_) found = neighbours_.try_emplace(hop).first;
  if (found == neighbours_.end() || waiting_ >= waiting_max || found->second.waiting.size() >= waiting_per_neighbour_max) {
    counters_.waiting_dropped.add(1);
    return nic::free(p);
  }
  Neighbour& n = found->second;
  n.waiting.push_back(p);
  ++waiting_;
  if (n.known) return release(n);
  if (n.asked == 0) ask(hop, n, now_ms);
}

void Resolver::learn(const base::Address& address, const net::Mac& mac, std::uint64_t now_ms) {
  auto found = neighbours_.find(address);
  if (found == neighbours_.end()) {
    if (neighbours_.size() >= neighbours_max_) return;
    found = neighbours_.try_emplace(address).first;
  }
  Neighbour& n = found->second;
  if (n.is_static) return;
  if (!n.known || n.mac != mac) {
    counters_.arp_learned.add(1);
    changed_ = true;
  }
  n.mac = mac;
  n.known = true;
  n.asked = 0;
  n.confirmed_ms = now_ms;
  release(n);
}

void Resolver::ask(const base::Address& address, Neighbour& n, std::uint64_t now_ms) {
  n.asked_ms = now_ms;
  ++n.asked;
  const nic::Packet p = commons_.port.allocate();
  if (!p) return;
  nic::Packet frame = p;
  frame.set(p.data(), net::arp_frame_bytes);
  net::write_arp(frame.octets(),
                 {.is_request = true, .sender_mac = commons_.port.mac(), .sender = commons_.site.read().listeners.front().endpoint.address, .target = address});
  counters_.arp_asked.add(1);
  wire_.send(frame);
}

// Waiting packets lack nothing but the destination MAC, a frame's first six octets.
void Resolver::release(Neighbour& n) {
  for (const nic::Packet p : n.waiting) {
    std::memcpy(p.data(), n.mac.data(), n.mac.size());
    counters_.waiting_sent.add(1);
    wire_.send(p);
  }
  waiting_ -= n.waiting.size();
  n.waiting.clear();
}

void Resolver::give_up(Neighbour& n) {
  for (const nic::Packet p : n.waiting) nic::free(p);
  counters_.waiting_dropped.add(n.waiting.size());
  waiting_ -= n.waiting.size();
  n.waiting.clear();
}

void Resolver::tick(std::uint64_t now_ms) {
  if (now_ms - ticked_ms_ < tick_ms && !changed_) return;
  ticked_ms_ = now_ms;
  for (auto it = neighbours_.begin(); it != neighbours_.end();) {
    Neighbour& n = it->second;
    const bool due = !n.is_static && (n.asked != 0 ? now_ms - n.asked_ms >= ask_interval_ms : now_ms - n.confirmed_ms >= refresh_ms);
    if (due && n.asked >= asks_max) {
      counters_.arp_gave_up.add(1);
      give_up(n);
      changed_ = changed_ || n.known;
      it = neighbours_.erase(it);
      continue;
    }
    if (due) ask(it->first, n, now_ms);
    ++it;
  }
  publish();
}

void Resolver::publish() {
  if (!changed_) return;
  changed_ = false;
  std::vector<std::pair<base::Address, net::Mac>> known;
  for (const auto& [address, n] : neighbours_)
    if (n.known) known.emplace_back(address, n.mac);
  commons_.neighbours.publish(std::make_unique<const site::Neighbours>(known), commons_.epoch);
}

}  // namespace viaduct::control
