// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <sys/socket.h>

#include "callers.h"
#include "unsignalled.h"
#include "viaduct/control/call_stream.h"

namespace viaduct::api {

Http::Http(std::chrono::milliseconds patience) : patience_(patience) {
  new_task_queue = [this] { return callers_ = new Callers([this](int socket) { answer(socket); }, patience_); };
  // The library's own options would let a second process take the same port.
  set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
}

Http::~Http() {
  stop();
  if (thread_.joinable()) thread_.join();
}

// The library lets five connections wait to be accepted, behind which others try again after a second.
bool Http::bind(const base::Endpoint& at) { return bind_to_port(at.address.text(), at.port) && ::listen(svr_sock_, SOMAXCONN) == 0; }

void Http::serve() {
  thread_ = start_unsignalled([this] {
    listen_after_bind();
    has_ended_ = true;
  });
  // Before it runs it could not be told to stop.
  while (!is_running() && !has_ended_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

bool Http::process_and_close_socket(socket_t socket) {
  callers_->take(base::Descriptor{socket});
  return true;
}

void Http::answer(int socket) {
  control::CallStream stream(socket, patience_);
  bool is_closed = false;
  process_request(stream, true, is_closed, nullptr);
  shutdown(socket, SHUT_RDWR);
}

}  // namespace viaduct::api
