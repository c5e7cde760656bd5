// SPDX-License-Identifier: Apache-2.0
#include "busy.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <exception>

#include "failure.h"
#include "unsignalled.h"

namespace viaduct::api {

void Busy::start(Work work) {
  thread_ = start_unsignalled([this, work = std::move(work)] {
    try {
      work(*this);
    } catch (const std::exception& error) {
      write_line(failure(error.what()));
    }
    is_done_.store(true, std::memory_order_release);
    eventfd_write(finished_, 1);
  });
}

Connection Busy::finish() {
  thread_.join();
  return std::move(connection_);
}

std::string_view Busy::read() {
  taken_ = connection_.take_input();
  while (taken_.empty() && !connection_.is_ended() && !connection_.is_broken()) {
    if (!wait(POLLIN, -1)) return {};
    connection_.receive();
    taken_ = connection_.take_input();
  }
  return taken_;
}

bool Busy::write(std::string_view octets) {
  if (connection_.is_broken()) return false;
  connection_.put(octets);
  connection_.send();
  while (connection_.has_output() && !connection_.is_broken()) {
    if (!wait(POLLOUT, static_cast<int>(patience_.taking.count()))) {
      connection_.give_up();  // or what is sent next would wait as long again
      return false;
    }
    connection_.send();
  }
  return !connection_.is_broken() && !is_stopping();
}

bool Busy::offer(std::string_view octets) {
  connection_.send();
  if (connection_.has_output() || connection_.is_broken()) return false;
  connection_.put(octets);
  connection_.send();
  return true;
}

bool Busy::wait(short events, int timeout_ms) const {
  std::array<pollfd, 2> polled{{{connection_.descriptor(), events, 0}, {stopper_, POLLIN, 0}}};
  int ready = 0;
  do {
    ready = poll(polled.data(), polled.size(), timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0 && polled[1].revents == 0;
}

// What never waits for its peer would not see it otherwise.
bool Busy::is_stopping() const {
  pollfd stop{stopper_, POLLIN, 0};
  return poll(&stop, 1, 0) > 0;
}

}  // namespace viaduct::api
