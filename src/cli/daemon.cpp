// SPDX-License-Identifier: Apache-2.0
// Finding a daemon's socket, and talking to it.
#include "daemon.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace viaduct::cli {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sockets_in(const fs::path& dir) {
  std::vector<fs::path> out;
  std::error_code failure;
  for (fs::directory_iterator at{dir, failure}, end; !failure && at != end; at.increment(failure)) {
    std::error_code unknown;
    if (at->path().extension() == ".sock" && at->is_socket(unknown)) out.push_back(at->path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Failure not_taken(const std::string& out) { return {Exit::usage, (is_standard_output(out) ? "standard output" : out) + ": " + std::strerror(errno)}; }

std::expected<fs::path, Failure> find_socket(const Target& target) {
  if (!target.socket.empty()) return target.socket;
  if (!target.node.empty()) return fs::path{target.runtime_dir} / (target.node + ".sock");
  const auto found = sockets_in(target.runtime_dir);
  if (found.size() == 1) return found.front();
  if (found.empty()) return std::unexpected(Failure{Exit::unreachable, "no daemon: there is no socket in " + target.runtime_dir});
  std::string names;
  for (const auto& path : found) names += ' ' + path.stem().string();
  return std::unexpected(Failure{Exit::usage, "several daemons: choose one with --node, of:" + names});
}

std::expected<Daemon, Failure> Daemon::connect(const fs::path& socket, unsigned timeout_s) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (socket.native().size() >= sizeof(address.sun_path)) return std::unexpected(Failure{Exit::usage, "too long for a socket: " + socket.string()});
  socket.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
  Daemon daemon{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), socket};
  const timeval limit{static_cast<time_t>(timeout_s), 0};
  setsockopt(daemon.descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(daemon.descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  if (::connect(daemon.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return std::unexpected(daemon.lost("cannot be reached"));
  return daemon;
}

Daemon::~Daemon() {
  if (descriptor_ >= 0) close(descriptor_);
}

Daemon::Daemon(Daemon&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), socket_(std::move(other.socket_)), buffer_(std::move(other.buffer_)) {}

Failure Daemon::lost(std::string_view what) const {
  const std::string why = errno == EAGAIN ? "it does not answer" : std::strerror(errno);
  return {Exit::unreachable, "the daemon at " + socket_.string() + ' ' + std::string{what} + ": " + why};
}

std::expected<std::string, Failure> Daemon::ask(std::string_view request) {
  if (const auto sent = send_line(request); !sent) return std::unexpected(sent.error());
  auto answer = line(Wait::yes);
  if (!answer) return std::unexpected(answer.error());
  return std::move(**answer);
}

std::expected<void, Failure> Daemon::send_line(std::string_view line) {
  const std::string octets = std::string{line} + '\n';
  for (std::size_t sent = 0; sent < octets.size();) {
    const ssize_t put = send(descriptor_, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
    if (put < 0) return std::unexpected(lost("took no request"));
    sent += static_cast<std::size_t>(put);
  }
  return {};
}

std::expected<std::size_t, Failure> Daemon::send_some(std::string_view octets) {
  pollfd both{descriptor_, POLLIN | POLLOUT, 0};
  while (poll(&both, 1, -1) < 0 && errno == EINTR) continue;
  const ssize_t put = send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (put < 0 && errno == EAGAIN) return 0;
  if (put < 0) return std::unexpected(lost("takes no more"));
  return static_cast<std::size_t>(put);
}

void Daemon::end() const { shutdown(descriptor_, SHUT_WR); }

std::expected<std::optional<std::string>, Failure> Daemon::line(Wait wait) {
  std::size_t end = 0;
  while ((end = buffer_.find('\n', searched_)) == buffer_.npos) {
    searched_ = buffer_.size();
    std::array<char, 65536> piece;
    errno = 0;
    const ssize_t got = recv(descriptor_, piece.data(), piece.size(), wait == Wait::yes ? 0 : MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN && wait == Wait::no) return std::nullopt;
    if (got == 0) return std::unexpected(Failure{Exit::unreachable, "the daemon at " + socket_.string() + " closed the connection"});
    if (got < 0) return std::unexpected(lost("gave no answer"));
    buffer_.append(piece.data(), static_cast<std::size_t>(got));
  }
  std::string found = buffer_.substr(taken_, end - taken_);
  taken_ = searched_ = end + 1;
  // Many lines come in one piece: what is taken goes when all of it is.
  if (taken_ == buffer_.size() || taken_ > buffer_.size() / 2) {
    buffer_.erase(0, taken_);
    taken_ = searched_ = 0;
  }
  return found;
}

}  // namespace viaduct::cli
