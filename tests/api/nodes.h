// SPDX-License-Identifier: Apache-2.0
// A node that calls, and another that answers what a test says, over real HTTP.
#pragma once
#include <gtest/gtest.h>
#include <httplib.h>

#include <mutex>

#include "load/stand.h"
#include "viaduct/api/control_server.h"
#include "viaduct/base/descriptor.h"
#include "viaduct/control/build_site.h"
#include "viaduct/control/peers.h"
#include "viaduct/control/seal.h"

namespace viaduct::api {

using nlohmann::json;

/// A port that nobody has.
inline std::uint16_t free_port() {
  const int link = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t bytes = sizeof at;
  bind(link, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  getsockname(link, reinterpret_cast<sockaddr*>(&at), &bytes);
  close(link);
  return ntohs(at.sin_port);
}

class Nodes : public testing::Test {
 protected:
  static constexpr assign::HomeIndex without_control = 1, called = 2, absent = 3;
  static bench::Stand& stand() {
    static bench::Stand one({.ring_slots = 256, .bindings = 16});
    return one;
  }
  /// The fleet, with the home that is called there.
  void place(const base::Endpoint& control_of_called) {
    const auto home = [](const char* name, std::uint8_t last, std::optional<base::Endpoint> control) {
      assign::Home out;
      out.name = name;
      out.address = {base::Address::v4({198, 18, 1, last}), 5060};
      out.control = control;
      return out;
    };
    config::Config c;
    c.listen = {{.endpoint = {base::Address::v4({198, 18, 0, 2}), 5060}, .link = {}}};
    c.on_link = {{.prefix = *base::Prefix::parse("198.18.0.0/15")}};
    c.domains = {"example.com"};
    c.fleet_seed = {1, 2, 3, 4};
    c.fleet_keys = {{.letter = 'a', .key = {5, 6, 7, 8}}};
    auto site =
        control::build_site(c, {home("here", 1, std::nullopt), home("north", 2, std::nullopt), home("south", 3, control_of_called), home("east", 4, nowhere)});
    ASSERT_TRUE(site) << site.error();
    keys = (*site)->keys;
    stand().commons.site.publish(std::move(*site), stand().commons.epoch);
  }
  void SetUp() override {
    place(here);
    auto started = ControlServer::open(here, [this] { return keys; }, [this](const std::string& target, const json& request) { return hear(target, request); });
    ASSERT_TRUE(started) << started.error();
    server = std::move(*started);
    server->serve();
  }
  NodeAnswer hear(const std::string& target, const json& request) {
    const std::lock_guard lock(mutex);
    calls.emplace_back(target, request);
    return answer(request);
  }
  /// A call by hand; its status.
  int post(const std::string& body, const std::string& sealed, const char* target = "/v1/moved") {
    httplib::Client client("127.0.0.1", here.port);
    const auto said = client.Post(target, {{std::string(control::seal_header), sealed}}, body, "application/json");
    return said ? said->status : 0;
  }
  /// A connection from an address of this machine.
  [[nodiscard]] int connected(std::uint32_t from = INADDR_LOOPBACK) const {
    const int link = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in own{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(from)}, .sin_zero = {}};
    EXPECT_EQ(bind(link, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    const sockaddr_in at{.sin_family = AF_INET, .sin_port = htons(here.port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(connect(link, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    return link;
  }
  /// What is answered to the head of a call alone: its status line, none within a second.
  [[nodiscard]] std::string first_line_after(const std::string& header_lines) const {
    const base::Descriptor link{connected()};
    const timeval one_second{.tv_sec = 1, .tv_usec = 0};
    setsockopt(link.get(), SOL_SOCKET, SO_RCVTIMEO, &one_second, sizeof one_second);
    const std::string head = "POST /v1/moved HTTP/1.1\r\nHost: localhost\r\n" + header_lines + "\r\n";
    std::string line;
    char next = 0;
    if (send(link.get(), head.data(), head.size(), 0) > 0)
      while (recv(link.get(), &next, 1, 0) == 1 && next != '\r') line += next;
    return line;
  }
  [[nodiscard]] std::string sealed(const std::string& body, std::int64_t late_s = 0) const {
    return control::seal(control::Call{.method = "POST", .target = "/v1/moved", .body = body}, static_cast<std::uint64_t>(time(nullptr) - late_s), keys);
  }

  const base::Endpoint here{base::Address::v4({127, 0, 0, 1}), free_port()};
  const base::Endpoint nowhere{base::Address::v4({127, 0, 0, 1}), 1};
  sip::SigningKeys keys;   // the server's
  std::mutex mutex;
  std::vector<std::pair<std::string, json>> calls;
  std::function<NodeAnswer(const json&)> answer = [](const json& request) { return NodeAnswer{.body = {{"ok", true}, {"told", request["clients"].size()}}}; };
  site::Wire wire{stand().commons, true};
  control::ExceptionPath exceptions{stand().commons, wire, {}};
  control::Resolver resolver{stand().commons, wire, exceptions, config::Config{}};
  control::Health health{stand().commons, wire, config::Health{}};
  control::Loop loop{stand().commons, resolver, exceptions, health, [](std::size_t, std::uint64_t) { return std::size_t{0}; }};
  control::Peers peers{stand().commons, loop};
  std::unique_ptr<ControlServer> server;
};

}  // namespace viaduct::api
