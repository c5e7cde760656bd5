// SPDX-License-Identifier: Apache-2.0
#include "call_stream.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>

namespace viaduct::api {
namespace {

using std::chrono::milliseconds;

bool comes(int socket, short event, milliseconds within) {
  pollfd polled{socket, event, 0};
  return poll(&polled, 1, static_cast<int>(std::max(within, milliseconds{0}).count())) > 0;
}

/// What getpeername or getsockname says.
void put(decltype(getpeername) name_of, int socket, std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  if (name_of(socket, generic, &bytes) != 0) return;
  if (getnameinfo(generic, bytes, host.data(), host.size(), service.data(), service.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) return;
  ip = host.data();
  std::from_chars(service.begin(), service.end(), port);
}

}  // namespace

CallStream::CallStream(base::Descriptor socket, milliseconds within)
    : socket_(std::move(socket)), within_(within), until_(std::chrono::steady_clock::now() + within) {}

CallStream::~CallStream() { shutdown(socket_.get(), SHUT_RDWR); }

bool CallStream::is_readable() const {
  if (read_at_ < read_bytes_) return true;
  return comes(socket_.get(), POLLIN, std::chrono::ceil<milliseconds>(until_ - std::chrono::steady_clock::now()));
}

bool CallStream::is_writable() const { return comes(socket_.get(), POLLOUT, within_); }

ssize_t CallStream::read(char* to, size_t bytes) {
  if (read_at_ == read_bytes_) {
    if (std::chrono::steady_clock::now() >= until_ || !is_readable()) return -1;
    const ssize_t got = recv(socket_.get(), read_.data(), read_.size(), 0);
    if (got <= 0) return got;
    read_at_ = 0;
    read_bytes_ = static_cast<std::size_t>(got);
  }
  const std::size_t count = std::min(bytes, read_bytes_ - read_at_);
  std::copy_n(read_.data() + read_at_, count, to);
  read_at_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t CallStream::write(const char* from, size_t bytes) {
  if (!is_writable()) return -1;
  return send(socket_.get(), from, bytes, MSG_NOSIGNAL);
}

void CallStream::get_remote_ip_and_port(std::string& ip, int& port) const { put(getpeername, socket_.get(), ip, port); }
void CallStream::get_local_ip_and_port(std::string& ip, int& port) const { put(getsockname, socket_.get(), ip, port); }

}  // namespace viaduct::api
