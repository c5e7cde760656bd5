// SPDX-License-Identifier: Apache-2.0
// The HTTP server that other nodes of the fleet call: hears calls with a seal of the fleet, once each, and seals what is answered. Knows no call: a handler does.
#pragma once
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "viaduct/base/address.h"
#include "viaduct/sip/token.h"

namespace viaduct::api {

struct NodeAnswer {
  int status{200};  ///< 200, 400, 404, 503
  nlohmann::json body;  ///< {"ok": true, ...} or {"ok": false, "error": "..."}
};
/// Answers one call, a POST of a JSON object to `target`; on a thread of the server's, of which there are a few, so that it may wait. What it throws is a 400.
using NodeHandler = std::function<NodeAnswer(const std::string& target, const nlohmann::json& request)>;
/// The fleet's keys of this moment.
using FleetKeys = std::function<sip::SigningKeys()>;

class ControlServer {
 public:
  /// Listen there; who connects waits until it serves. Errors: the address cannot be had.
  [[nodiscard]] static std::expected<std::unique_ptr<ControlServer>, std::string> open(const base::Endpoint& listen, FleetKeys keys, NodeHandler handler);
  /// Answer from now on, on threads of its own. Called once.
  void serve();
  ~ControlServer();  ///< waits for what is being answered

 private:
  struct Impl;
  explicit ControlServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::api
