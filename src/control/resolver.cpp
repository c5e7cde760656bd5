// SPDX-License-Identifier: Apache-2.0
// Address resolution beside the path (RFC 826, RFC 1122 2.3.2, RFC 4861 7.2): bounded in neighbours, in packets that wait, and in requests sent.
#include "viaduct/control/resolver.h"

#include <algorithm>
#include <cstring>

#include "viaduct/base/check.h"

namespace viaduct::control {
namespace {

constexpr unsigned asks_max = 3;                   // requests before giving up
constexpr std::uint64_t ask_interval_ms = 1'000;   // RFC 1122 2.3.2.1, RFC 4861 10: at most one a second for a destination
constexpr std::uint64_t refresh_ms = 60'000;       // after that a neighbour is asked again, still in use
constexpr std::size_t waiting_per_neighbour_max = 16;
constexpr std::size_t unknown_share = 4;           // of the table, who has not answered yet: a quarter
constexpr std::size_t waiting_max = 1'024;         // packet buffers that may wait in all
constexpr std::uint64_t tick_ms = 10;
constexpr std::uint64_t addresses_read_every_ms = 100;   // a virtual router takes over in a second or more (RFC 9568 5.2.7), and reading takes some 50 us

}  // namespace

Resolver::Resolver(site::Commons& commons, site::Wire& wire, ExceptionPath& exceptions, const config::Config& config)
    : commons_(commons), wire_(wire), exceptions_(exceptions), neighbours_max_(config.neighbours_max), kernel_answers_(config.exception.kernel_answers) {}

Resolver::~Resolver() {
  for (auto& [at, n] : neighbours_) give_up(n);
}

namespace {

// Link-local addresses need no prefix to be on the link.
site::Routes routes_of(const config::Config& c) {
  std::vector<site::Route> routes{{.to = base::link_local_v6, .via = {}}};
  for (const config::OnLink& l : c.on_link) routes.push_back({.to = l.prefix, .via = {}, .link = l.link});
  for (const config::Way& w : c.ways) routes.push_back({.to = w.to, .via = w.via, .link = w.link});
  return site::Routes(std::move(routes));
}

}  // namespace

void Resolver::set_static(const config::Config& config) {
  if (networks_.empty()) routes_ = routes_of(config);
  std::erase_if(neighbours_, [](const auto& entry) { return entry.second.is_static; });
  for (const config::Neighbour& c : config.neighbours) {
    Neighbour& n = neighbours_[{.address = c.address, .link = c.link}];
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
    case site::Note::Kind::frame:
      take_frame(p, note.frame, now_ms);
      return counters_.frames_taken.add(1);
    case site::Note::Kind::unresolved:
      return wait_for(p, note.next_hop, now_ms);
    case site::Note::Kind::answer:
    case site::Note::Kind::registration:
    case site::Note::Kind::sighting:
      break;
  }
  base::fail("neither a frame nor a packet without a next hop");
}

void Resolver::wait_for(nic::Packet p, const site::LinkAddress& hop, std::uint64_t now_ms) {
  auto found = neighbours_.find(hop);
  if (found == neighbours_.end()) {
    make_room();
    if (neighbours_.size() < neighbours_max_) {
      found = neighbours_.try_emplace(hop).first;
      unknown_.push_back(hop);
    }
  }
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

// Who does not answer makes room first, once there are many of them: somebody may make up the sources of his requests, and each answer looks for one (RFC 6583). Else
// who has been known longest without a word goes, and is asked for again when he is wanted.
void Resolver::make_room() {
  while (!unknown_.empty()) {
    const auto found = neighbours_.find(unknown_.front());
    if (found != neighbours_.end() && !found->second.known) break;
    unknown_.pop_front();
  }
  const bool are_many_unknown = unknown_.size() >= neighbours_max_ / unknown_share;
  if (!are_many_unknown && neighbours_.size() < neighbours_max_) return;
  const Entry last = are_many_unknown ? neighbours_.find(unknown_.front()) : oldest_known();
  if (last == neighbours_.end()) return;
  counters_.made_room.add(1);
  give_up(last->second);
  changed_ = changed_ || last->second.known;
  neighbours_.erase(last);
}

// Of a few, taken in turn: to look at all of them for each newcomer would cost more than it is worth.
Resolver::Entry Resolver::oldest_known() {
  constexpr std::size_t most = 64;
  Entry oldest = neighbours_.end();
  Entry at = neighbours_.upper_bound(looked_at_);
  for (std::size_t i = 0; i < std::min(most, neighbours_.size()); ++i, ++at) {
    if (at == neighbours_.end()) at = neighbours_.begin();
    looked_at_ = at->first;
    const Neighbour& n = at->second;
    if (!n.is_static && n.known && (oldest == neighbours_.end() || n.confirmed_ms < oldest->second.confirmed_ms)) oldest = at;
  }
  return oldest;
}

// Who makes up addresses fills half the table at the most: the other half is left to those whom we ask for.
void Resolver::hear(const site::LinkAddress& at, const net::Mac& mac, std::uint64_t now_ms) {
  if (neighbours_.contains(at) || neighbours_.size() < neighbours_max_ / 2) learn(at, mac, now_ms);
}

void Resolver::learn(const site::LinkAddress& at, const net::Mac& mac, std::uint64_t now_ms) {
  Neighbour& n = neighbours_[at];
  if (n.is_static) return;
  if (!n.known || n.mac != mac) {
    counters_.learned.add(1);
    changed_ = true;
  }
  n.mac = mac;
  n.known = true;
  n.asked = 0;
  n.confirmed_ms = now_ms;
  release(n);
}

void Resolver::ask(const site::LinkAddress& at, Neighbour& n, std::uint64_t now_ms) {
  n.asked_ms = now_ms;
  ++n.asked;
  const nic::Packet p = commons_.ports.allocate();
  if (p && !send_question(p, at)) nic::free(p);
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
  if (!networks_.empty()) follow_kernel(now_ms);
  if (kernel_answers_ && now_ms - kernels_read_ms_ >= addresses_read_every_ms) look_for_addresses(now_ms);
  for (auto it = neighbours_.begin(); it != neighbours_.end();) {
    Neighbour& n = it->second;
    const bool due = !n.is_static && (n.asked != 0 ? now_ms - n.asked_ms >= ask_interval_ms : now_ms - n.confirmed_ms >= refresh_ms);
    if (due && n.asked >= asks_max) {
      counters_.gave_up.add(1);
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

// Neighbours of the kernel's are heard, and asked again by ourselves like all others.
void Resolver::follow_kernel(std::uint64_t now_ms) {
  bool is_news = false;
  for (std::size_t port = 0; port < networks_.size(); ++port) {
    is_news |= networks_[port].follow(now_ms);
    for (const kernel::Neighbour& n : networks_[port].take_neighbours()) hear({.address = n.address, .link = {port, 0}}, n.mac, now_ms);
  }
  if (is_news) take_routes();
}

// Of several to one prefix that of the least metric is the way, whatever port it leaves by. Where there is one port, a route is one on every VLAN.
void Resolver::take_routes() {
  std::vector<std::pair<std::uint32_t, site::Route>> found;
  for (std::size_t port = 0; port < networks_.size(); ++port) {
    const base::Link link = networks_.size() > 1 ? base::Link(port, 0) : base::Link::any();
    for (const kernel::Route& r : networks_[port].routes()) found.emplace_back(r.metric, site::Route{.to = r.to, .via = r.via, .link = link});
    counters_.routes_left_out.add(networks_[port].left_out());
  }
  std::ranges::stable_sort(found, {}, [](const auto& f) { return f.first; });
  std::vector<site::Route> all{{.to = base::link_local_v6, .via = {}}};
  for (const auto& [metric, route] : found) all.push_back(route);
  routes_ = site::Routes(std::move(all));
  counters_.routes_taken.add(1);
  changed_ = true;
}

// A virtual router's address comes to this machine, or leaves it.
void Resolver::look_for_addresses(std::uint64_t now_ms) {
  kernels_read_ms_ = now_ms;
  const std::vector<base::Address> all = kernel::addresses();
  std::vector<base::Address> ours;
  for (const site::Listener& l : commons_.site.read().listeners)
    if (std::ranges::find(all, l.endpoint.address) != all.end()) ours.push_back(l.endpoint.address);
  if (ours == kernels_) return;
  kernels_ = std::move(ours);
  changed_ = true;
}

void Resolver::publish() {
  if (!changed_) return;
  changed_ = false;
  site::Neighbours::Known known;
  for (const auto& [at, n] : neighbours_)
    if (n.known) known.emplace_back(at, n.mac);
  commons_.neighbours.publish(std::make_unique<const site::Neighbours>(known, routes_, kernels_), commons_.epoch);
}

}  // namespace viaduct::control
