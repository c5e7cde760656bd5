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
  const auto is_late = [now](const Caller& caller) { return caller.until <= now; };
  std::vector<Caller> still;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (polled[i].revents != 0)
      ready_.push_back(std::move(waiting[i]));
    else
      still.push_back(std::move(waiting[i]));
  }
  std::erase_if(ready_, is_late);
  std::erase_if(still, is_late);
  std::move(arrived_.begin(), arrived_.end(), std::back_inserter(still));
  arrived_.clear();
  while (still.size() + ready_.size() > base::node_calls_waiting_max) make_way(still);
  return still;
}

/// Close one of the source that has most: its oldest one that has said nothing, since who means to call says so at once, else the last one that is ready.
/// Shape: the lock is held; somebody waits.
void Callers::make_way(std::vector<Caller>& still) {
  std::map<std::string, std::size_t> waiting_of;
  for (const Caller& caller : still) ++waiting_of[caller.source];
  for (const Caller& caller : ready_) ++waiting_of[caller.source];
  const std::string& most = std::ranges::max_element(waiting_of, {}, [](const auto& of) { return of.second; })->first;
  if (const auto silent = std::ranges::find(still, most, &Caller::source); silent != still.end())
    still.erase(silent);
  else
    ready_.erase(std::ranges::find(ready_.rbegin(), ready_.rend(), most, &Caller::source).base() - 1);
}

void Callers::watch() {
  Time next_late = Time::max();
  for (std::vector<Caller> waiting;;) {
    std::vector<pollfd> polled;
    for (const Caller& caller : waiting) polled.push_back({.fd = caller.socket.get(), .events = POLLIN, .revents = 0});
    polled.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
    const auto within =
        next_late == Time::max() ? milliseconds{-1} : std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(next_late - steady_clock::now()));
    poll(polled.data(), polled.size(), static_cast<int>(within.count()));
    const std::lock_guard lock(mutex_);
    if (has_ended_) return;
    eventfd_t woken{};
    eventfd_read(wake_.get(), &woken);
    waiting = sort_out(std::move(waiting), polled);
    next_late = waiting.empty() ? Time::max() : waiting.front().until;
    for (const Caller& caller : ready_) next_late = std::min(next_late, caller.until);
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
