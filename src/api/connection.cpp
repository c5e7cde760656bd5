// SPDX-License-Identifier: Apache-2.0
// Lines in and out of one non-blocking stream socket.
#include "connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "viaduct/base/limits.h"

namespace viaduct::api {

Connection::~Connection() {
  if (descriptor_ >= 0) close(descriptor_);
}

Connection::Connection(Connection&& other) noexcept : descriptor_(-1) { *this = std::move(other); }

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(input_, other.input_);
  std::swap(taken_, other.taken_);
  std::swap(output_, other.output_);
  std::swap(sent_, other.sent_);
  std::swap(is_ended_, other.is_ended_);
  std::swap(is_broken_, other.is_broken_);
  std::swap(touched_, other.touched_);
  return *this;
}

short Connection::events() const {
  if (!output_.empty()) return POLLOUT;
  // Nothing more is read while a request waits: that bounds what a peer can pile up here.
  return is_ended_ || has_line() ? 0 : POLLIN;
}

bool Connection::is_finished() const { return is_broken_ || (is_ended_ && output_.empty() && taken_ == input_.size()); }

void Connection::receive() {
  std::array<char, 16384> buffer;
  const ssize_t got = recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (got > 0) {
    touched_ = std::chrono::steady_clock::now();
    input_.append(buffer.data(), static_cast<std::size_t>(got));
  } else if (got == 0) {
    is_ended_ = true;
  } else if (errno != EAGAIN && errno != EINTR) {
    is_broken_ = true;
  }
}

void Connection::send() {
  while (sent_ < output_.size()) {
    const ssize_t put = ::send(descriptor_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
    if (put > 0) {
      touched_ = std::chrono::steady_clock::now();
      sent_ += static_cast<std::size_t>(put);
      continue;
    }
    if (errno == EINTR) continue;
    is_broken_ = is_broken_ || errno != EAGAIN;
    return;
  }
  output_.clear();
  sent_ = 0;
}

bool Connection::has_line() const {
  if (!output_.empty() || is_broken_) return false;
  return input_.find('\n', taken_) != input_.npos || (is_ended_ && taken_ < input_.size());
}

std::string_view Connection::take_line() {
  input_.erase(0, std::exchange(taken_, 0));
  const std::size_t end = std::min(input_.find('\n'), input_.size());
  taken_ = std::min(end + 1, input_.size());
  std::string_view line{input_.data(), end};
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string Connection::take_input() {
  std::string input = input_.substr(std::exchange(taken_, 0));
  input_.clear();
  return input;
}

bool Connection::is_over_limit() const { return output_.empty() && !has_line() && input_.size() - taken_ > base::api_request_bytes_max; }

void Connection::answer(std::string_view line) {
  output_ += line;
  output_ += '\n';
  send();
}

}  // namespace viaduct::api
