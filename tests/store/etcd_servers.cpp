// SPDX-License-Identifier: Apache-2.0
#include "etcd_servers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

namespace viaduct::store::test {
namespace {

sockaddr_in name_of(const base::Endpoint& endpoint) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = endpoint.address.v4_wire();
  out.sin_port = htons(endpoint.port);
  return out;
}

/// A listening socket on a port that it is given, and that port.
int listener(base::Endpoint& here) {
  here = {base::Address::v4({127, 0, 0, 1}), 0};
  const int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in name = name_of(here);
  socklen_t bytes = sizeof name;
  EXPECT_EQ(bind(out, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  EXPECT_EQ(listen(out, 16), 0);
  EXPECT_EQ(getsockname(out, reinterpret_cast<sockaddr*>(&name), &bytes), 0);
  here.port = ntohs(name.sin_port);
  return out;
}

bool put_all(int socket, std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t put = send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (put <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

}  // namespace

base::Endpoint free_endpoint() {
  base::Endpoint out;
  close(listener(out));
  return out;
}

Servers::Servers(std::size_t count, std::vector<std::string> arguments, const char* scheme)
    : arguments_(std::move(arguments)), scheme_(std::string(scheme) + "://"), pids_(count) {
  for (std::size_t i = 0; i < count; ++i) {
    clients_.push_back(free_endpoint());
    peers_.push_back(free_endpoint());
  }
  for (std::size_t i = 0; i < count; ++i) start(i);
}

Servers::~Servers() {
  for (std::size_t i = 0; i < pids_.size(); ++i) kill(i);
}

void Servers::start(std::size_t index) {
  const std::string name = std::to_string(index), client = scheme_ + clients_[index].text(), peer = "http://" + peers_[index].text();
  std::string cluster;
  for (std::size_t i = 0; i < peers_.size(); ++i) cluster.append(i > 0 ? "," : "").append(std::to_string(i)).append("=http://").append(peers_[i].text());
  std::vector<std::string> words{"etcd",
                                 "--name",
                                 name,
                                 "--data-dir",
                                 folder_.path() / name,
                                 "--listen-client-urls",
                                 client,
                                 "--advertise-client-urls",
                                 client,
                                 "--listen-peer-urls",
                                 peer,
                                 "--initial-advertise-peer-urls",
                                 peer,
                                 "--initial-cluster",
                                 cluster,
                                 "--heartbeat-interval",
                                 "50",
                                 "--election-timeout",
                                 "500",
                                 "--logger",
                                 "zap",
                                 "--log-outputs",
                                 "stderr"};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log = folder_.path() / (name + ".log");
  const pid_t parent = getpid();
  pids_[index] = fork();
  ASSERT_GE(pids_[index], 0);
  if (pids_[index] > 0) return;
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  execvp("etcd", argv.data());
  _exit(127);
}

void Servers::kill(std::size_t index) {
  if (pids_[index] == 0) return;
  ::kill(pids_[index], SIGKILL);
  waitpid(pids_[index], nullptr, 0);
  pids_[index] = 0;
}

Between::Between(const base::Endpoint& server) : server_(server), listener_(listener(here_)) {
  accepting_ = std::thread([this] { serve(); });
}

Between::~Between() {
  is_over_ = true;
  accepting_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
}

void Between::serve() {
  while (!is_over_) {
    pollfd polled{listener_, POLLIN, 0};
    if (poll(&polled, 1, 20) <= 0) continue;
    ++connections_;
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    threads_.emplace_back([this, client] { pass(client); });
  }
}

void Between::pass(int client) {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in name = name_of(server_);
  bool is_open = connect(server, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
  const int at_once = 1;
  for (const int socket : {client, server}) setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  std::string octets(65536, '\0');
  while (is_open && !is_over_) {
    std::array<pollfd, 2> polled{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    poll(polled.data(), polled.size(), 20);
    for (const pollfd& one : polled) {
      if (one.revents == 0 || !is_open) continue;
      const ssize_t got = recv(one.fd, octets.data(), octets.size(), 0);
      const std::string_view read(octets.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
      const Does does = does_;
      is_open = got > 0;
      if (one.fd == client) {
        if (read.starts_with("POST ")) ++calls_;
        if (does == Does::hangs) continue;
        if (does == Does::babbles) {
          is_open = put_all(client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":\"");
          for (; is_open && !is_over_; babbled_ += 65536) is_open = put_all(client, std::string(65536, 'a'));
        }
        is_open = is_open && put_all(server, read);
      } else if (does == Does::loses) {
        does_ = Does::passes;
        is_open = false;
      } else {
        is_open = is_open && put_all(client, read);
      }
    }
  }
  close(server);
  close(client);
}

}  // namespace viaduct::store::test
