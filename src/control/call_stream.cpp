// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/call_stream.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "viaduct/base/limits.h"

namespace viaduct::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Of the head of a call or an answer: the library makes some hundred octets in memory of each of its lines, however short.
constexpr std::size_t head_bytes_max = std::size_t{64} << 10U;

bool comes(int socket, short event, milliseconds within) {
  pollfd polled{socket, event, 0};
  return poll(&polled, 1, static_cast<int>(std::max(within, milliseconds{0}).count())) > 0;
}
milliseconds left(steady_clock::time_point until) { return std::chrono::ceil<milliseconds>(until - steady_clock::now()); }

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

CallStream::CallStream(int socket, milliseconds within) : socket_(socket), within_(within), read_until_(steady_clock::now() + within) {}

bool CallStream::is_readable() const { return read_at_ < read_bytes_ || comes(socket_, POLLIN, left(read_until_)); }

bool CallStream::is_writable() const { return comes(socket_, POLLOUT, written_until_ ? left(*written_until_) : within_); }

ssize_t CallStream::read(char* to, size_t bytes) {
  if (bytes == 1 && ++head_bytes_ > head_bytes_max) return -1;
  if (read_at_ == read_bytes_) {
    if (bytes_in_all_ > base::node_call_bytes_max + head_bytes_max || steady_clock::now() >= read_until_ || !is_readable()) return -1;
    const ssize_t got = recv(socket_, read_.data(), read_.size(), 0);
    if (got <= 0) return got;
    read_at_ = 0;
    read_bytes_ = static_cast<std::size_t>(got);
    bytes_in_all_ += read_bytes_;
  }
  const std::size_t count = std::min(bytes, read_bytes_ - read_at_);
  std::copy_n(read_.data() + read_at_, count, to);
  read_at_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t CallStream::write(const char* from, size_t bytes) {
  if (!written_until_) written_until_ = steady_clock::now() + within_;
  while (steady_clock::now() < *written_until_ && is_writable()) {
    const ssize_t sent = send(socket_, from, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0 || (errno != EAGAIN && errno != EINTR)) return sent;
  }
  return -1;
}

void CallStream::get_remote_ip_and_port(std::string& ip, int& port) const { put(getpeername, socket_, ip, port); }
void CallStream::get_local_ip_and_port(std::string& ip, int& port) const { put(getsockname, socket_, ip, port); }

}  // namespace viaduct::control
