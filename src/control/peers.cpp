// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/peers.h"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "peer_answers.h"
#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"
#include "viaduct/control/call_stream.h"
#include "viaduct/control/seal.h"

namespace viaduct::control {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds connect_within{2};
/// More than the called node waits for its store.
constexpr std::chrono::seconds answer_within{10};

/// A client that is kept no longer and told no more than that, whatever comes from there: the answer's seal can only be looked at when all of it is here.
class HttpClient final : public httplib::ClientImpl {
 public:
  HttpClient(const base::Endpoint& peer, const std::atomic<bool>& is_over) : ClientImpl(peer.address.text(), peer.port), is_over_(is_over) {
    set_connection_timeout(connect_within);
    set_decompress(false);
  }

 private:
  /// From here on stop() cuts the call off.
  bool process_socket(const Socket& socket, std::function<bool(httplib::Stream&)> callback) override {
    if (is_over_.load()) return false;
    CallStream stream(socket.sock, answer_within);
    return callback(stream);
  }
  const std::atomic<bool>& is_over_;
};

/// The beginning of a text that anybody may have sent, for the log.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 200));
  std::replace_if(out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '.');
  return out;
}

/// A few clients at a time.
template <typename F>
Expected<void> in_parts(std::span<const std::string> aors, F call) {
  for (std::size_t at = 0; at < aors.size(); at += base::node_call_clients_max)
    if (auto done = call(aors.subspan(at, std::min(base::node_call_clients_max, aors.size() - at))); !done) return done;
  return {};
}

}  // namespace

/// The calls under way.
struct Peers::Calls {
  std::atomic<bool> are_over{};
  std::mutex mutex;
  std::set<httplib::ClientImpl*> clients;
};

namespace {

/// One of them.
class Calling {
 public:
  Calling(auto& calls, httplib::ClientImpl& client) : clients_(calls.clients), mutex_(calls.mutex), client_(client) {
    const std::lock_guard lock(mutex_);
    clients_.insert(&client_);
  }
  ~Calling() {
    const std::lock_guard lock(mutex_);
    clients_.erase(&client_);
  }
  Calling(const Calling&) = delete;
  Calling& operator=(const Calling&) = delete;

 private:
  std::set<httplib::ClientImpl*>& clients_;
  std::mutex& mutex_;
  httplib::ClientImpl& client_;
};

}  // namespace

/// A home, as one call needs it.
struct Peers::Peer {
  std::string name;
  base::Endpoint control;
  sip::SigningKeys keys;
  Calls* calls{};

  [[nodiscard]] std::string fault(std::string_view what) const { return std::string(name).append(" at ").append(control.text()).append(": ").append(what); }
  /// `read` takes from the answer what is wanted; what it throws is an error.
  [[nodiscard]] Expected<void> call(const char* target, const json& request, const std::function<void(const json&)>& read) const;
};

Expected<void> Peers::Peer::call(const char* target, const json& request, const std::function<void(const json&)>& read) const {
  if (calls->are_over) return std::unexpected(fault("this node is stopping"));
  const std::string body = request.dump(-1, ' ', false, json::error_handler_t::replace);
  const std::string sealed = seal(Call{.method = "POST", .target = target, .body = body}, base::wall_s(), keys);
  HttpClient client(control, calls->are_over);
  const Calling calling(*calls, client);
  const auto answer = client.Post(target, {{std::string(seal_header), sealed}}, body, "application/json");
  if (!answer) return std::unexpected(fault(httplib::to_string(answer.error())));
  const CallAnswer said{.status = answer->status, .body = answer->body};
  if (!is_genuine(said, answer->get_header_value(seal_header.data()), sealed, keys))
    return std::unexpected(fault("its answer is not sealed by a key of this fleet: " + std::to_string(said.status) + ' ' + shown(answer->body)));
  try {
    const json out = json::parse(answer->body);
    if (said.status != 200) return std::unexpected(fault(out.at("error").get<std::string>()));
    read(out);
  } catch (const std::exception& error) {
    return std::unexpected(fault(error.what()));
  }
  return {};
}

Peers::Peers(site::Commons& commons, Loop& loop) : commons_(commons), loop_(loop), calls_(std::make_unique<Calls>()) {}
Peers::~Peers() = default;

void Peers::stop() {
  const std::lock_guard lock(calls_->mutex);
  calls_->are_over = true;
  for (httplib::ClientImpl* client : calls_->clients) client->stop();
}

Expected<Peers::Peer> Peers::peer_of(assign::HomeIndex home) {
  Expected<Peer> out;
  loop_.call([&] {
    const site::Site& site = commons_.site.read();
    if (home >= site.homes.size() || site.homes[home].state == assign::HomeState::removed) {
      out = std::unexpected("there is no such home");
    } else if (const assign::Home& found = site.homes[home]; !found.control) {
      out = std::unexpected(found.name + ": has no control address");
    } else {
      out = Peer{.name = found.name, .control = *found.control, .keys = site.keys, .calls = calls_.get()};
    }
  });
  return out;
}

Expected<std::uint64_t> Peers::tell_moved(assign::HomeIndex home, std::uint32_t epoch, const notifier::Move& move, std::span<const std::string> aors) {
  const auto peer = peer_of(home);
  if (!peer) return std::unexpected(peer.error());
  std::uint64_t told = 0;
  const auto done = in_parts(aors, [&](std::span<const std::string> part) {
    const json request = {{"epoch", epoch}, {"mode", notifier::name(move.notice)}, {"within_s", move.within_s}, {"clients", part}};
    return peer->call("/v1/moved", request, [&](const json& answer) { told += answer.at("told").get<std::uint64_t>(); });
  });
  if (!done) return std::unexpected(done.error());
  return told;
}

Expected<std::vector<registrar::ClientStanding>> Peers::standings(assign::HomeIndex home, std::span<const std::string> aors) {
  const auto peer = peer_of(home);
  if (!peer) return std::unexpected(peer.error());
  std::vector<registrar::ClientStanding> out;
  const auto done = in_parts(aors, [&](std::span<const std::string> part) {
    return peer->call("/v1/bindings", {{"clients", part}}, [&](const json& answer) {
      for (const json& row : answer.at("clients")) {
        out.push_back(
            {.bindings = row.at("bindings").get<std::uint32_t>(), .subscriptions = row.at("subscriptions").get<std::uint32_t>(), .registered_ago_s = {}});
        // A node of an earlier build does not say it.
        if (const auto ago = row.find("registered_ago_s"); ago != row.end() && !ago->is_null()) out.back().registered_ago_s = ago->get<std::uint32_t>();
      }
    });
  });
  if (!done) return std::unexpected(done.error());
  if (out.size() != aors.size()) return std::unexpected(peer->fault("its answer is not about the clients that were asked for"));
  return out;
}

Expected<HomeStanding> Peers::standing(assign::HomeIndex home) {
  const auto peer = peer_of(home);
  if (!peer) return std::unexpected(peer.error());
  HomeStanding out;
  const auto done = peer->call("/v1/standing", json::object(), [&](const json& answer) {
    out = {.clients = answer.at("clients").get<std::uint64_t>(),
           .bindings = answer.at("bindings").get<std::uint64_t>(),
           .subscriptions = answer.at("subscriptions").get<std::uint64_t>()};
  });
  return done ? Expected<HomeStanding>(out) : std::unexpected(done.error());
}

Peers::Peer Peers::node_at(const base::Endpoint& control) {
  Peer peer{.name = "the node", .control = control, .keys = {}, .calls = calls_.get()};
  loop_.call([&] { peer.keys = commons_.site.read().keys; });
  return peer;
}

Expected<NodeWork> Peers::work(const base::Endpoint& control) {
  NodeWork out;
  const auto done = node_at(control).call("/v1/work", json::object(), [&](const json& answer) {
    out = {.busy_ms = answer.at("busy_ms").get<std::vector<std::uint64_t>>(), .uptime_ms = answer.at("uptime_ms").get<std::uint64_t>()};
  });
  return done ? Expected<NodeWork>(out) : std::unexpected(done.error());
}

Expected<SeenElsewhere> Peers::load(const base::Endpoint& control) {
  SeenElsewhere out;
  const auto done = node_at(control).call("/v1/load", json::object(), [&](const json& answer) { out = load_in(answer); });
  return done ? Expected<SeenElsewhere>(std::move(out)) : std::unexpected(done.error());
}

Expected<PeerAssignment> Peers::assignment(const base::Endpoint& control) {
  const Peer peer = node_at(control);
  PeerAssignment out;
  bool is_whole = false;
  while (!is_whole) {
    const auto read = peer.call("/v1/assignment", {{"first_home", out.homes.size()}}, [&](const json& answer) { is_whole = add_assignment(answer, out); });
    if (!read) return std::unexpected(read.error());
  }
  return out;
}

Expected<PeerPlacements> Peers::placements(const base::Endpoint& control, std::uint32_t first, std::uint32_t end) {
  const Peer peer = node_at(control);
  base::Key128 seed{};
  loop_.call([&] { seed = commons_.site.read().fleet_seed; });
  PeerPlacements out;
  const auto read = peer.call("/v1/placements", {{"first", first}, {"end", end}},
                              [&](const json& answer) { out = placements_in(answer, {.first = first, .end = end, .fleet_seed = seed}); });
  return read ? Expected<PeerPlacements>(std::move(out)) : std::unexpected(read.error());
}

}  // namespace viaduct::control
