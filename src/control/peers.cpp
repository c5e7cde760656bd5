// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/peers.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"
#include "viaduct/control/seal.h"

namespace viaduct::control {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds connect_within{2};
/// More than the called node waits for its store.
constexpr std::chrono::seconds answer_within{10};

/// A few clients at a time.
template <typename F>
Expected<void> in_parts(std::span<const std::string> aors, F call) {
  for (std::size_t at = 0; at < aors.size(); at += base::node_call_clients_max)
    if (auto done = call(aors.subspan(at, std::min(base::node_call_clients_max, aors.size() - at))); !done) return done;
  return {};
}

}  // namespace

/// A home, as one call needs it.
struct Peers::Peer {
  std::string name;
  base::Endpoint control;
  sip::SigningKeys keys;

  [[nodiscard]] std::string fault(std::string_view what) const { return std::string(name).append(" at ").append(control.text()).append(": ").append(what); }
  /// `read` takes from the answer what is wanted; it may throw json::exception.
  [[nodiscard]] Expected<void> call(const char* target, const json& request, const std::function<void(const json&)>& read) const;
};

Expected<void> Peers::Peer::call(const char* target, const json& request, const std::function<void(const json&)>& read) const {
  const std::string body = request.dump(-1, ' ', false, json::error_handler_t::replace);
  const std::string sealed = seal(Call{.method = "POST", .target = target, .body = body}, base::wall_s(), keys);
  httplib::Client client(control.address.text(), control.port);
  client.set_connection_timeout(connect_within);
  client.set_read_timeout(answer_within);
  client.set_write_timeout(connect_within);
  const auto answer = client.Post(target, {{std::string(seal_header), sealed}}, body, "application/json");
  if (!answer) return std::unexpected(fault(httplib::to_string(answer.error())));
  const CallAnswer said{.status = answer->status, .body = answer->body};
  if (!is_genuine(said, answer->get_header_value(seal_header.data()), sealed, keys))
    return std::unexpected(fault("its answer is not sealed by a key of this fleet: " + std::to_string(said.status) + ' ' + answer->body.substr(0, 200)));
  try {
    const json out = json::parse(answer->body);
    if (said.status != 200) return std::unexpected(fault(out.at("error").get<std::string>()));
    read(out);
  } catch (const json::exception& error) {
    return std::unexpected(fault(error.what()));
  }
  return {};
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
      out = Peer{.name = found.name, .control = *found.control, .keys = site.keys};
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

}  // namespace viaduct::control
