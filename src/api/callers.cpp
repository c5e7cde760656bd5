// SPDX-License-Identifier: Apache-2.0
#include "callers.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <iterator>

#include "unsignalled.h"
#include "viaduct/base/limits.h"
#include "viaduct/control/call_stream.h"

namespace viaduct::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t served_of_one_max = base::node_call_threads / 2;

std::string source_of(int socket) {
  std::string ip;
  int port = 0;
  control::CallStream(socket, milliseconds{0}).get_remote_ip_and_port(ip, port);
  return ip;
}

}  // namespace

Callers::Callers(std::function<void(int socket)> serve, milliseconds patience)
    : serve_(std::move(serve)), patience_(patience), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  threads_.push_back(start_unsignalled([this] { watch(); }));
  for (std::size_t i = 0; i < base::node_call_threads; ++i) threads_.push_back(start_unsignalled([this] { serve_all(); }));
}

void Callers::take(base::Descriptor socket) {
  std::string source = source_of(socket.get());
  const std::lock_guard lock(mutex_);
  arrived_.push_back({.socket = std::move(socket), .source = std::move(source), .until = steady_clock::now() + patience_});
  eventfd_write(wake_.get(), 1);
}

void Callers::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    ready_.clear();
    for (const int socket : served_) ::shutdown(socket, SHUT_RD);
    eventfd_write(wake_.get(), 1);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

/// Of those that were polled, who goes on waiting; the others are ready, or closed. Shape: the lock is held.
std::vector<Callers::Caller> Callers::sort_out(std::vector<Caller> waiting, const std::vector<pollfd>& polled) {
  const Time now = steady_clock::now();
  std::vector<Caller> still;
  for (std::size_t i = 0; i < waiting.size(); ++i)
    if (polled[i].revents != 0)
      ready_.push_back(std::move(waiting[i]));
    else if (waiting[i].until > now)
      still.push_back(std::move(waiting[i]));
  if (ready_.size() > base::node_calls_waiting_max) ready_.resize(base::node_calls_waiting_max);
  std::move(arrived_.begin(), arrived_.end(), std::back_inserter(still));
  arrived_.clear();
  // The oldest go first: who means to call says so at once.
  if (const std::size_t room = base::node_calls_waiting_max - ready_.size(); still.size() > room)
    still.erase(still.begin(), still.end() - static_cast<std::ptrdiff_t>(room));
  return still;
}

void Callers::watch() {
  for (std::vector<Caller> waiting;;) {
    std::vector<pollfd> polled;
    for (const Caller& caller : waiting) polled.push_back({.fd = caller.socket.get(), .events = POLLIN, .revents = 0});
    polled.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
    const auto within =
        waiting.empty() ? milliseconds{-1} : std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(waiting.front().until - steady_clock::now()));
    poll(polled.data(), polled.size(), static_cast<int>(within.count()));
    const std::lock_guard lock(mutex_);
    if (has_ended_) return;
    eventfd_t woken{};
    eventfd_read(wake_.get(), &woken);
    waiting = sort_out(std::move(waiting), polled);
    changed_.notify_all();
  }
}

/// The first one whose source has not its share of threads already. Shape: the lock is held.
std::deque<Callers::Caller>::iterator Callers::next_ready() {
  return std::find_if(ready_.begin(), ready_.end(), [this](const Caller& caller) {
    const auto served = served_of_.find(caller.source);
    return served == served_of_.end() || served->second < served_of_one_max;
  });
}

void Callers::serve_all() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return has_ended_ || next_ready() != ready_.end(); });
    if (has_ended_) return;
    const auto next = next_ready();
    const Caller caller = std::move(*next);
    ready_.erase(next);
    ++served_of_[caller.source];
    served_.insert(caller.socket.get());
    lock.unlock();
    serve_(caller.socket.get());
    lock.lock();
    served_.erase(caller.socket.get());
    if (--served_of_[caller.source] == 0) served_of_.erase(caller.source);
    changed_.notify_all();
  }
}

}  // namespace viaduct::api
