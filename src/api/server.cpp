// SPDX-License-Identifier: Apache-2.0
// The operator's socket: bind it safely, then one thread that polls the listener, its connections and the call to stop.
#include "viaduct/api/server.h"

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <list>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "busy.h"
#include "connection.h"
#include "failure.h"
#include "unsignalled.h"
#include "viaduct/base/descriptor.h"
#include "viaduct/base/limits.h"

namespace viaduct::api {
namespace {

using base::Descriptor;
using nlohmann::json;

constexpr mode_t socket_mode = 0660;
constexpr int pause_ms = 100;
// Of the connections, for root and this process's own user: others who hold on to theirs lock no operator out.
constexpr std::size_t places_kept = 2;

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

/// The number of a group. Errors: there is none of that name.
std::expected<gid_t, std::string> number_of(const std::string& group) {
  std::array<char, 65536> room;
  ::group entry{};
  ::group* found = nullptr;
  getgrnam_r(group.c_str(), &entry, room.data(), room.size(), &found);
  if (found == nullptr) return std::unexpected("there is no group " + group);
  return found->gr_gid;
}

/// `group` may be empty: the process's own.
std::expected<Descriptor, std::string> listen_at(const std::filesystem::path& path, const std::string& group) {
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
  if (!group.empty()) {
    const auto number = number_of(group);
    if (!number) return std::unexpected(said(path, number.error()));
    if (chown(path.c_str(), static_cast<uid_t>(-1), *number) != 0) return std::unexpected(system_said(path, "chown"));
  }
  if (chmod(path.c_str(), socket_mode) != 0) return std::unexpected(system_said(path, "chmod"));
  if (listen(listener.get(), static_cast<int>(base::api_connections_max)) != 0) return std::unexpected(system_said(path, "listen"));
  return listener;
}

// An AoR may hold any octets: what is no UTF-8 is replaced, never a reason to fail.
std::string text_of(const json& line) { return line.dump(-1, ' ', false, json::error_handler_t::replace); }

/// One request line to what answers it; whatever goes wrong is an answer too.
Answer answer_to(const Handler& handler, std::string_view line, const std::string& who) {
  try {
    const json request = json::parse(line);
    return request.is_object() ? handler(request, who) : failure("a request is an object");
  } catch (const json::parse_error& error) {
    return failure(std::string{"not JSON: "} + error.what());
  } catch (const std::exception& error) {
    return failure(error.what());
  }
}

std::optional<uid_t> user_at(int descriptor) {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 ? std::optional(peer.uid) : std::nullopt;
}

/// The user at the other end; his number when he has no name.
std::string peer_of(int descriptor) {
  const auto user = user_at(descriptor);
  if (!user) return "unknown";
  std::array<char, 4096> room;
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(*user, &entry, room.data(), room.size(), &found);
  return found != nullptr ? found->pw_name : std::to_string(*user);
}

}  // namespace

struct Server::Impl {
  std::filesystem::path path;
  Handler handler;
  Patience patience;
  Descriptor listener;
  Descriptor stopper;    // an eventfd: readable once the server shall stop
  Descriptor finished;   // an eventfd: readable when a long verb is done
  std::vector<Connection> connections;
  std::list<Busy> busy;
  std::thread thread;

  /// For who has connected: one that is free, or that of whoever has been idle for longest, if for long enough.
  bool has_place(int descriptor) {
    const auto user = user_at(descriptor);
    const std::size_t kept = user == 0U || user == geteuid() ? 0 : places_kept;
    if (connections.size() + busy.size() + kept < base::api_connections_max) return true;
    const auto idle = std::ranges::min_element(connections, {}, &Connection::touched);
    if (idle == connections.end() || std::chrono::steady_clock::now() - idle->touched() < patience.idle) return false;
    connections.erase(idle);
    return true;
  }

  void accept_one() {
    const int descriptor = accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
      // Out of descriptors the listener stays readable: without a pause this thread would spin.
      pollfd stop{stopper.get(), POLLIN, 0};
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) poll(&stop, 1, pause_ms);
      return;
    }
    Connection connection{descriptor};
    if (has_place(descriptor))
      connections.push_back(std::move(connection));
    else
      connection.answer(failure("too many connections").dump());
  }

  /// One request of a connection, at most, so that all get their turn. Returns the work that shall have the connection, if any.
  Work serve(Connection& connection) const {
    bool is_too_long = connection.is_over_limit();
    if (connection.has_line()) {
      const auto line = connection.take_line();
      is_too_long = line.size() > base::api_request_bytes_max;
      if (!is_too_long && !line.empty()) {
        Answer answer = answer_to(handler, line, peer_of(connection.descriptor()));
        if (auto* work = std::get_if<Work>(&answer)) return std::move(*work);
        connection.answer(text_of(std::get<json>(answer)));
      }
    }
    if (!is_too_long) return {};
    connection.answer(failure("a request is at most " + std::to_string(base::api_request_bytes_max) + " octets").dump());
    connection.finish();
    return {};
  }

  void serve_all() {
    std::vector<Connection> idle;
    for (Connection& connection : connections) {
      Work work = serve(connection);
      if (work)
        busy.emplace_back(std::move(connection), stopper.get(), finished.get(), patience).start(std::move(work));
      else
        idle.push_back(std::move(connection));
    }
    connections = std::move(idle);
  }

  /// Connections whose long verb is done take requests again.
  void take_back() {
    eventfd_t ignored{};
    eventfd_read(finished.get(), &ignored);
    for (auto at = busy.begin(); at != busy.end();) {
      if (!at->is_done()) {
        ++at;
        continue;
      }
      connections.push_back(at->finish());
      at = busy.erase(at);
    }
  }

  /// Wait for something to do; false when the server shall stop.
  bool wait(std::vector<pollfd>& polled) {
    polled.assign({{stopper.get(), POLLIN, 0}, {listener.get(), POLLIN, 0}, {finished.get(), POLLIN, 0}});
    for (const auto& connection : connections) polled.push_back({connection.descriptor(), connection.events(), 0});
    const bool has_work = std::any_of(connections.begin(), connections.end(), [](const auto& c) { return c.has_line(); });
    if (poll(polled.data(), polled.size(), has_work ? 0 : -1) < 0) return errno == EINTR;
    return polled[0].revents == 0;
  }

  void run() {
    std::vector<pollfd> polled;
    while (wait(polled)) {
      for (std::size_t i = 0; i < connections.size(); ++i) {
        const short ready = polled[i + 3].revents;
        if ((ready & POLLOUT) != 0) connections[i].send();
        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) connections[i].receive();
      }
      if (polled[2].revents != 0) take_back();
      serve_all();
      std::erase_if(connections, [](const auto& c) { return c.is_finished(); });
      if (polled[1].revents != 0) accept_one();
    }
    for (Busy& one : busy) static_cast<void>(one.finish());
  }
};

bool Stream::write_line(const json& line) { return write(text_of(line) + '\n'); }
bool Stream::offer_line(const json& line) { return offer(text_of(line) + '\n'); }

Work answering(std::function<json()> answer) {
  return [answer = std::move(answer)](Stream& stream) { stream.write_line(answer()); };
}

std::expected<std::unique_ptr<Server>, std::string> Server::open(const std::filesystem::path& socket, Handler handler, Patience patience,
                                                                 const std::string& group) {
  auto listener = listen_at(socket, group);
  if (!listener) return std::unexpected(listener.error());
  auto impl = std::make_unique<Impl>();
  impl->path = socket;
  impl->handler = std::move(handler);
  impl->patience = patience;
  impl->listener = std::move(*listener);
  impl->stopper = Descriptor{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  impl->finished = Descriptor{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (impl->stopper.get() < 0 || impl->finished.get() < 0) return std::unexpected(system_said(socket, "eventfd"));
  return std::unique_ptr<Server>{new Server{std::move(impl)}};
}

void Server::serve() {
  impl_->thread = start_unsignalled([&server = *impl_] { server.run(); });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  eventfd_write(impl_->stopper.get(), 1);
  if (impl_->thread.joinable()) impl_->thread.join();
  unlink(impl_->path.c_str());
}

}  // namespace viaduct::api
