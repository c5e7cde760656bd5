// SPDX-License-Identifier: Apache-2.0
// The operator's socket: bind it safely, then one thread that polls the listener, its connections and the call to stop.
#include "viaduct/api/server.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "connection.h"
#include "viaduct/base/limits.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

constexpr mode_t socket_mode = 0660;
constexpr int pause_ms = 100;

/// A descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

std::string said(const std::filesystem::path& path, std::string_view what) { return path.string() + ": " + std::string{what}; }
std::string system_said(const std::filesystem::path& path, std::string_view call) { return said(path, std::string{call} + ": " + std::strerror(errno)); }

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Make room for a socket at `address`: what a process that died has left is removed, anything else is an error.
std::expected<void, std::string> remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) return std::unexpected(said(path, "exists and is not a socket"));
  const Descriptor probe{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  // Only a refusal proves that nobody listens: a full backlog (EAGAIN) is a live server.
  if (connect(probe.get(), generic(address), sizeof(address)) == 0 || errno != ECONNREFUSED)
    return std::unexpected(said(path, "another process serves this socket"));
  if (unlink(path.c_str()) != 0) return std::unexpected(system_said(path, "cannot be removed"));
  return {};
}

std::expected<Descriptor, std::string> listen_at(const std::filesystem::path& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.native().size() >= sizeof(address.sun_path)) return std::unexpected(said(path, "is too long for a socket's path"));
  path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
  std::error_code failure;
  std::filesystem::create_directories(path.parent_path(), failure);
  if (failure) return std::unexpected(said(path.parent_path(), failure.message()));
  if (auto removed = remove_stale(path, address); !removed) return std::unexpected(removed.error());
  Descriptor listener{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (listener.get() < 0) return std::unexpected(system_said(path, "socket"));
  // The mode is set before the name appears, so that there is no moment in which others may connect; the umask may have taken from it.
  if (fchmod(listener.get(), socket_mode) != 0) return std::unexpected(system_said(path, "fchmod"));
  if (bind(listener.get(), generic(address), sizeof(address)) != 0) return std::unexpected(system_said(path, "bind"));
  if (chmod(path.c_str(), socket_mode) != 0) return std::unexpected(system_said(path, "chmod"));
  if (listen(listener.get(), static_cast<int>(base::api_connections_max)) != 0) return std::unexpected(system_said(path, "listen"));
  return listener;
}

/// A thread that takes no signal: those are for the thread that waits for them.
std::thread start_unsignalled(auto body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread{std::move(body)};
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), "viaduct-api");
  return thread;
}

json refusal(std::string_view why) { return {{"ok", false}, {"error", why}}; }

/// One request line to one answer line; whatever goes wrong is an answer too.
std::string answer_to(const Handler& handler, std::string_view line) {
  json answer;
  try {
    const json request = json::parse(line);
    const bool has_verb = request.is_object() && request.contains("verb") && request["verb"].is_string();
    answer = has_verb ? handler(request) : refusal("a request is an object with a \"verb\"");
  } catch (const json::parse_error& error) {
    answer = refusal(std::string{"not JSON: "} + error.what());
  } catch (const std::exception& error) {
    answer = refusal(error.what());
  }
  // An AoR may hold any octets: what is no UTF-8 is replaced, never a reason to fail.
  return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

struct Server::Impl {
  std::filesystem::path path;
  Handler handler;
  Descriptor listener;
  Descriptor stopper;   // an eventfd: readable once the server shall stop
  std::vector<Connection> connections;
  std::thread thread;

  void accept_one() {
    const int descriptor = accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
      // Out of descriptors the listener stays readable: without a pause this thread would spin.
      pollfd stop{stopper.get(), POLLIN, 0};
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) poll(&stop, 1, pause_ms);
      return;
    }
    Connection connection{descriptor};
    if (connections.size() < base::api_connections_max)
      connections.push_back(std::move(connection));
    else
      connection.answer(refusal("too many connections").dump());
  }

  /// One request of a connection, at most, so that all get their turn.
  void serve(Connection& connection) {
    bool is_too_long = connection.is_over_limit();
    if (connection.has_line()) {
      const auto line = connection.take_line();
      is_too_long = line.size() > base::api_request_bytes_max;
      if (!is_too_long && !line.empty()) connection.answer(answer_to(handler, line));
    }
    if (!is_too_long) return;
    connection.answer(refusal("a request is at most " + std::to_string(base::api_request_bytes_max) + " octets").dump());
    connection.finish();
  }

  /// Wait for something to do; false when the server shall stop.
  bool wait(std::vector<pollfd>& polled) {
    polled.assign({{stopper.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}});
    for (const auto& connection : connections) polled.push_back({connection.descriptor(), connection.events(), 0});
    const bool has_work = std::any_of(connections.begin(), connections.end(), [](const auto& c) { return c.has_line(); });
    if (poll(polled.data(), polled.size(), has_work ? 0 : -1) < 0) return errno == EINTR;
    return polled[0].revents == 0;
  }

  void run() {
    std::vector<pollfd> polled;
    while (wait(polled)) {
      for (std::size_t i = 0; i < connections.size(); ++i) {
        const short ready = polled[i + 2].revents;
        if ((ready & POLLOUT) != 0) connections[i].send();
        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) connections[i].receive();
        serve(connections[i]);
      }
      std::erase_if(connections, [](const auto& c) { return c.is_finished(); });
      if (polled[1].revents != 0) accept_one();
    }
  }
};

std::expected<std::unique_ptr<Server>, std::string> Server::start(const std::filesystem::path& socket, Handler handler) {
  auto listener = listen_at(socket);
  if (!listener) return std::unexpected(listener.error());
  auto impl = std::make_unique<Impl>();
  impl->path = socket;
  impl->handler = std::move(handler);
  impl->listener = std::move(*listener);
  impl->stopper = Descriptor{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (impl->stopper.get() < 0) return std::unexpected(system_said(socket, "eventfd"));
  impl->thread = start_unsignalled([&server = *impl] { server.run(); });
  return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  eventfd_write(impl_->stopper.get(), 1);
  impl_->thread.join();
  unlink(impl_->path.c_str());
}

}  // namespace viaduct::api
