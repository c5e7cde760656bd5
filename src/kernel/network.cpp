// SPDX-License-Identifier: Apache-2.0
// Two sockets: one hears that something has changed, the other reads all routes, a buffer at a time, so that no round of the control core waits for it.
#include "viaduct/kernel/network.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include "messages.h"
#include "viaduct/base/limits.h"

namespace viaduct::kernel {
namespace {

struct CloseSocket {
  void operator()(mnl_socket* s) const { mnl_socket_close(s); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

// Taken from a socket in one call, what is left waits for the next: notifications, which come one by one, and buffers of answers.
constexpr unsigned events_a_turn = 256;
constexpr unsigned buffers_a_turn = 8;
constexpr std::size_t buffer_bytes = 32'768;   // what the kernel fills at once (NLMSG_GOODSIZE's upper end)
// What is read, in this order.
constexpr std::array<std::pair<std::uint16_t, std::uint8_t>, 3> questions = {
    std::pair{std::uint16_t{RTM_GETROUTE}, std::uint8_t{AF_INET}}, {RTM_GETROUTE, AF_INET6}, {RTM_GETNEIGH, AF_UNSPEC}};
constexpr std::size_t at_rest = questions.size();

std::unexpected<std::string> failure(const std::string& what) { return std::unexpected("the kernel's routes: " + what + ": " + std::strerror(errno)); }

std::expected<Socket, std::string> open_socket() {
  Socket s{mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!s) return failure("no netlink socket");
  if (mnl_socket_bind(s.get(), 0, MNL_SOCKET_AUTOPID) != 0) return failure("the netlink socket cannot be bound");
  return s;
}

}  // namespace

struct Network::Impl {
  unsigned interface_index;
  Socket events, answers;
  std::array<char, buffer_bytes> buffer{};
  bool is_stale{true};                // something has changed since the last reading began
  std::size_t question{at_rest};
  std::uint32_t sequence{};            // of the question: an answer to an earlier one is none
  std::uint64_t began_ms{};
  std::vector<Route> found, routes;
  std::size_t found_too_many{}, left_out{};
  std::vector<Neighbour> neighbours;

  Impl(unsigned index, Socket heard, Socket asked) : interface_index(index), events(std::move(heard)), answers(std::move(asked)) {}

  void hear();
  void take_event(const nlmsghdr& message);
  void ask();
  [[nodiscard]] bool read_on();
  [[nodiscard]] bool take_answers(std::size_t bytes);
  void take_answer(const nlmsghdr& message);
  [[nodiscard]] bool finish();
  void give_up() {
    question = at_rest;
    is_stale = true;
  }
};

// More than the socket holds: something was missed.
void Network::Impl::hear() {
  for (unsigned i = 0; i < events_a_turn; ++i) {
    const ssize_t bytes = mnl_socket_recvfrom(events.get(), buffer.data(), buffer.size());
    if (bytes < 0 && (errno == ENOBUFS || errno == ENOSPC)) is_stale = true;
    if (bytes <= 0) return;
    int left = static_cast<int>(bytes);
    for (const auto* m = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) take_event(*m);
  }
}

void Network::Impl::take_event(const nlmsghdr& message) {
  if (concerns_routes(message, interface_index)) is_stale = true;
  if (const auto n = read_neighbour(message, interface_index); n && neighbours.size() < base::kernel_routes_max) neighbours.push_back(*n);
}

void Network::Impl::ask() {
  const auto& [type, family] = questions[question];
  nlmsghdr* const message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message->nlmsg_seq = ++sequence;
  if (type == RTM_GETROUTE)
    static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)))->rtm_family = family;
  else
    static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ndmsg)))->ndm_family = family;
  if (mnl_socket_sendto(answers.get(), message, message->nlmsg_len) < 0) give_up();
}

// True: the last question has been answered, and the routes are others.
bool Network::Impl::read_on() {
  for (unsigned i = 0; i < buffers_a_turn && question != at_rest; ++i) {
    const ssize_t bytes = mnl_socket_recvfrom(answers.get(), buffer.data(), buffer.size());
    if (bytes < 0 && errno != EAGAIN && errno != EINTR) give_up();
    if (bytes <= 0) return false;
    if (!take_answers(static_cast<std::size_t>(bytes))) continue;
    if (++question == at_rest) return finish();
    ask();
  }
  return false;
}

// True: that was the last of this question. What changed while it was read is read again (NLM_F_DUMP_INTR).
bool Network::Impl::take_answers(std::size_t bytes) {
  int left = static_cast<int>(bytes);
  for (const auto* m = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
    if (m->nlmsg_seq != sequence) continue;
    if ((m->nlmsg_flags & NLM_F_DUMP_INTR) != 0) is_stale = true;
    if (m->nlmsg_type == NLMSG_DONE) return true;
    if (m->nlmsg_type == NLMSG_ERROR) return give_up(), false;
    take_answer(*m);
  }
  return false;
}

void Network::Impl::take_answer(const nlmsghdr& message) {
  if (const auto route = read_route(message, interface_index)) {
    if (found.size() < base::kernel_routes_max)
      found.push_back(*route);
    else
      ++found_too_many;
  }
  if (const auto n = read_neighbour(message, interface_index); n && neighbours.size() < base::kernel_routes_max) neighbours.push_back(*n);
}

bool Network::Impl::finish() {
  std::ranges::sort(found, {}, [](const Route& r) { return std::tuple(r.to.address, r.to.bits, r.metric, r.via); });
  const bool differ = found != routes;
  routes = std::move(found);
  left_out = found_too_many;
  return differ;
}

std::expected<Network, std::string> Network::open(unsigned interface_index) {
  auto events = open_socket(), answers = open_socket();
  if (!events || !answers) return std::unexpected((events ? answers : events).error());
  for (int group : {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE})
    if (mnl_socket_setsockopt(events->get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) return failure("changes cannot be heard");
  return Network{std::make_unique<Impl>(interface_index, std::move(*events), std::move(*answers))};
}

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

bool Network::follow(std::uint64_t now_ms) {
  impl_->hear();
  if (impl_->question == at_rest) {
    if (!impl_->is_stale || now_ms - impl_->began_ms < base::kernel_routes_pause_ms) return false;
    impl_->is_stale = false;
    impl_->began_ms = now_ms;
    impl_->found.clear();
    impl_->found_too_many = 0;
    impl_->question = 0;
    impl_->ask();
  }
  return impl_->read_on();
}

const std::vector<Route>& Network::routes() const { return impl_->routes; }
std::size_t Network::left_out() const { return impl_->left_out; }
std::vector<Neighbour> Network::take_neighbours() { return std::exchange(impl_->neighbours, {}); }

}  // namespace viaduct::kernel
