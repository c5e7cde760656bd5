// SPDX-License-Identifier: Apache-2.0
// Neighbours on the link: static ones, learned ones, and packets that wait until one is known. ARP and ND asked and answered, echo answered.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/control/exception_path.h"
#include "viaduct/kernel/network.h"
#include "viaduct/net/arp.h"
#include "viaduct/net/nd.h"
#include "viaduct/share/counters.h"
#include "viaduct/site/post.h"
#include "viaduct/site/wire.h"

namespace viaduct::control {

// One row a counter: name, and what it counts.
#define VIADUCT_RESOLVER_COUNTERS(X)                                                  \
  X(frames_taken, "frames taken from the workers")                                    \
  X(arp_answered, "ARP requests for an address of ours, answered")                    \
  X(arp_ignored, "ARP frames that are not for us or malformed")                       \
  X(arp_asked, "ARP requests sent")                                                   \
  X(nd_answered, "neighbour solicitations for an address of ours, answered")          \
  X(nd_ignored, "ND messages that are not for us or malformed")                       \
  X(nd_asked, "neighbour solicitations sent")                                         \
  X(routes_taken, "times that the kernel's routes were taken over")                   \
  X(routes_left_out, "routes of the kernel beyond those that are taken")              \
  X(learned, "neighbours learned or changed")                                         \
  X(gave_up, "neighbours that did not answer")                                        \
  X(made_room, "neighbours forgotten for others: limits.neighbours_max is small")     \
  X(icmp_unreachable, "ICMP errors: a datagram of ours did not reach a home")         \
  X(icmp_too_big, "ICMP errors: a datagram of ours was too big on its way to a home") \
  X(icmp_ignored, "ICMP errors about nothing that we may have sent")                  \
  X(echo_answered, "echo requests answered")                                          \
  X(echo_ignored, "ICMP echo requests for another address")                           \
  X(waiting_sent, "packets that waited for a neighbour and were sent")                \
  X(waiting_dropped, "packets dropped because their neighbour never answered, or too many waited")

struct ResolverCounters {
#define X(name, what) share::Counter name;
  VIADUCT_RESOLVER_COUNTERS(X)
#undef X
};

/// Thread: the control core's; it publishes what workers read.
class Resolver {
 public:
  /// Frames that it has no use for, and those that are of use to both, go on by `exceptions`.
  Resolver(site::Commons& commons, site::Wire& wire, ExceptionPath& exceptions, const config::Config& config);
  ~Resolver();
  /// Replace the static neighbours, learned ones stay; and the routes, unless they are the kernel's.
  void set_static(const config::Config& config);
  /// Called when somebody says that a home cannot be reached.
  using TellUnreachable = std::function<void(assign::HomeIndex)>;
  void on_unreachable(TellUnreachable tell) { tell_unreachable_ = std::move(tell); }
  /// Take routes, and neighbours as well, from the kernel from now on. Shape: one a port, by number.
  void follow(std::vector<kernel::Network> networks) { networks_ = std::move(networks); }
  /// One packet from a worker. Takes it over.
  void take(nic::Packet p, std::uint64_t now_ms);
  /// Ask again, refresh, give up, publish what has changed.
  void tick(std::uint64_t now_ms);
  [[nodiscard]] const ResolverCounters& counters() const { return counters_; }
  /// How often somebody said that this place of a home's cannot be reached. Counted, and a reason to ask the home itself, no more: anybody may say it.
  [[nodiscard]] std::uint64_t unreachable(const base::Endpoint& home) const;

 private:
  struct Neighbour {
    net::Mac mac{};
    bool known{};
    bool is_static{};
    unsigned asked{};                  // requests since the last answer
    std::uint64_t asked_ms{};
    std::uint64_t confirmed_ms{};
    std::vector<nic::Packet> waiting;
  };
  [[nodiscard]] bool is_ours(const site::LinkAddress& at) const;
  [[nodiscard]] net::Mac mac_of(base::Link link) const { return commons_.ports[link.port()].mac(); }
  [[nodiscard]] base::Address asker(const site::LinkAddress& at) const;
  void take_frame(nic::Packet p, const net::Frame& frame, std::uint64_t now_ms);
  void take_arp(nic::Packet p, base::Link link, std::uint64_t now_ms);
  void take_nd(nic::Packet p, const net::Frame& frame, std::uint64_t now_ms);
  void take_solicitation(nic::Packet p, const net::Frame& frame, const net::NeighbourMessage& m, std::uint64_t now_ms);
  void take_advertisement(const net::NeighbourMessage& m, base::Link link, std::uint64_t now_ms);
  void take_icmp_error(nic::Packet p, const net::Frame& frame);
  void take_echo(nic::Packet p, const net::Frame& frame);
  bool send_question(nic::Packet p, const site::LinkAddress& about);
  void wait_for(nic::Packet p, const site::LinkAddress& hop, std::uint64_t now_ms);
  /// Forget somebody where the table is full, or full of those who do not answer.
  void make_room();
  using Entry = std::map<site::LinkAddress, Neighbour>::iterator;
  [[nodiscard]] Entry oldest_known();
  /// Somebody says unasked where he is.
  void hear(const site::LinkAddress& at, const net::Mac& mac, std::uint64_t now_ms);
  void learn(const site::LinkAddress& at, const net::Mac& mac, std::uint64_t now_ms);
  void ask(const site::LinkAddress& at, Neighbour& n, std::uint64_t now_ms);
  void release(Neighbour& n);
  void give_up(Neighbour& n);
  void follow_kernel(std::uint64_t now_ms);
  void take_routes();
  void look_for_addresses(std::uint64_t now_ms);
  void publish();

  site::Commons& commons_;
  site::Wire& wire_;
  ExceptionPath& exceptions_;
  std::size_t neighbours_max_;
  bool kernel_answers_;   // ARP and ND for addresses of ours
  std::map<site::LinkAddress, Neighbour> neighbours_;
  std::deque<site::LinkAddress> unknown_;   // whom we have asked for, oldest first; perhaps they are known by now, or given up
  site::LinkAddress looked_at_;             // up to which known ones were looked at for the oldest
  std::map<base::Endpoint, std::uint64_t> unreachable_;   // of homes only, so not more than there were
  TellUnreachable tell_unreachable_{[](assign::HomeIndex) {}};
  std::vector<kernel::Network> networks_;   // of the ports; none: routes are the configuration's
  site::Routes routes_;
  std::vector<base::Address> kernels_;      // of our addresses those that the kernel has, while it answers for them
  std::uint64_t kernels_read_ms_{};
  std::size_t waiting_{};
  std::uint64_t ticked_ms_{};
  bool changed_{};
  ResolverCounters counters_;
};

}  // namespace viaduct::control
