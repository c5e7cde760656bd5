// SPDX-License-Identifier: Apache-2.0
#include "etcd_stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace viaduct::store::etcd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Octets of an answer: sixteen items that stand in their rows, and 4 MiB of what nodes say of themselves, in base64.
constexpr std::size_t answer_bytes_max = std::size_t{8} << 20;
/// Of its head: the library makes some hundred octets in memory of each of its lines, however short.
constexpr std::size_t head_bytes_max = std::size_t{64} << 10;

}  // namespace

Stream::Stream(int socket, SSL* ssl, milliseconds within) : socket_(socket), ssl_(ssl), until_(steady_clock::now() + within) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

bool Stream::waits_for(short event) const {
  const auto left = std::chrono::ceil<milliseconds>(until_ - steady_clock::now());
  pollfd polled{socket_, event, 0};
  return left.count() > 0 && poll(&polled, 1, static_cast<int>(left.count())) > 0;
}

bool Stream::is_readable() const { return read_at_ < read_bytes_ || (ssl_ != nullptr && SSL_pending(ssl_) > 0) || waits_for(POLLIN); }
bool Stream::is_writable() const { return waits_for(POLLOUT); }

/// Whether what TLS could not do is to be done again.
bool Stream::waits_for_tls(int result) const {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return waits_for(POLLIN);
    case SSL_ERROR_WANT_WRITE:
      return waits_for(POLLOUT);
    default:
      return false;
  }
}

ssize_t Stream::read_some() {
  for (;;) {
    if (steady_clock::now() >= until_) return -1;
    if (ssl_ == nullptr) {
      const ssize_t got = recv(socket_, read_.data(), read_.size(), 0);
      if (got >= 0 || (errno != EAGAIN && errno != EINTR) || !waits_for(POLLIN)) return got;
      continue;
    }
    ERR_clear_error();
    const int got = SSL_read(ssl_, read_.data(), static_cast<int>(read_.size()));
    if (got > 0 || !waits_for_tls(got)) return got;
  }
}

ssize_t Stream::read(char* to, size_t bytes) {
  if (bytes == 1 && ++head_bytes_ > head_bytes_max) return -1;
  if (read_at_ == read_bytes_) {
    if (bytes_in_all_ > answer_bytes_max) return -1;
    const ssize_t got = read_some();
    if (got <= 0) return got;
    read_at_ = 0;
    read_bytes_ = static_cast<std::size_t>(got);
    bytes_in_all_ += read_bytes_;
  }
  const std::size_t count = std::min(bytes, read_bytes_ - read_at_);
  std::memcpy(to, read_.data() + read_at_, count);
  read_at_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Stream::write(const char* from, size_t bytes) {
  for (;;) {
    if (steady_clock::now() >= until_) return -1;
    if (ssl_ == nullptr) {
      const ssize_t put = send(socket_, from, bytes, MSG_NOSIGNAL);
      if (put >= 0 || (errno != EAGAIN && errno != EINTR) || !waits_for(POLLOUT)) return put;
      continue;
    }
    ERR_clear_error();
    const int put = SSL_write(ssl_, from, static_cast<int>(std::min<std::size_t>(bytes, 1U << 30)));
    if (put > 0 || !waits_for_tls(put)) return put;
  }
}

}  // namespace viaduct::store::etcd
