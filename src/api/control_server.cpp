// SPDX-License-Identifier: Apache-2.0
#include "viaduct/api/control_server.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>

#include "failure.h"
#include "http.h"
#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"
#include "viaduct/control/seal.h"

namespace viaduct::api {
namespace {

using control::Unheard;
using nlohmann::json;

/// How long a peer may take for a call, and for taking its answer between two pieces; it comes from the same fleet. With what the store is waited for, less than
/// a caller waits for an answer.
constexpr std::chrono::seconds patience{3};
/// Between two lines of the log about calls that were not heard: whoever sends them decides how many there are.
constexpr std::int64_t told_every_s = 10;

/// Whether the library bounds what it reads of a body: it heeds the largest size only where that is said before, and unpacks whatever is packed.
bool is_bounded(const httplib::Request& call) {
  return call.has_header("Content-Length") && !call.has_header("Transfer-Encoding") && !call.has_header("Content-Encoding");
}

}  // namespace

struct ControlServer::Impl {
  FleetKeys keys;
  NodeHandler handler;
  control::Gate gate{control::this_moment()};
  std::atomic<std::int64_t> told_s{};
  Http server{patience};  // last: it ends before what it uses

  void tell_unheard(const std::string& who, Unheard why) {
    const auto now_s = static_cast<std::int64_t>(base::wall_s());
    std::int64_t last_s = told_s.load(std::memory_order_relaxed);
    if (now_s - last_s < told_every_s || !told_s.compare_exchange_strong(last_s, now_s)) return;
    spdlog::warn("refused a call from {} to control.listen: {}", who, control::sentence(why));
  }

  [[nodiscard]] NodeAnswer answer_to(const httplib::Request& call) const {
    try {
      const json request = json::parse(call.body);
      if (!request.is_object()) return {.status = 400, .body = failure("the body is no JSON object")};
      return handler(call.target, request);
    } catch (const std::exception& error) {
      return {.status = 400, .body = failure(error.what())};
    }
  }

  /// Only what is genuine is read, and only then is an answer sealed.
  void serve(const httplib::Request& call, httplib::Response& out) {
    const sip::SigningKeys now = keys();
    const std::string seal = call.get_header_value(control::seal_header.data());
    const auto heard = gate.hear({.method = call.method, .target = call.target, .body = call.body}, seal, control::this_moment(), now);
    if (!heard) {
      tell_unheard(call.remote_addr, heard.error());
      out.status = heard.error() == Unheard::crowded ? 503 : 401;
      out.set_content(failure(control::sentence(heard.error())).dump(), "application/json");
      return;
    }
    const NodeAnswer answer = answer_to(call);
    const std::string body = answer.body.dump(-1, ' ', false, json::error_handler_t::replace);
    out.status = answer.status;
    out.set_header(control::seal_header.data(), control::seal(control::CallAnswer{.status = answer.status, .body = body}, seal, now));
    out.set_content(body, "application/json");
  }
};

std::expected<std::unique_ptr<ControlServer>, std::string> ControlServer::open(const base::Endpoint& listen, FleetKeys keys, NodeHandler handler) {
  auto impl = std::make_unique<Impl>();
  impl->keys = std::move(keys);
  impl->handler = std::move(handler);
  Http& server = impl->server;
  server.set_payload_max_length(base::node_call_bytes_max);
  server.set_pre_routing_handler([](const httplib::Request& call, httplib::Response& out) {
    if (is_bounded(call)) return httplib::Server::HandlerResponse::Unhandled;
    out.status = 411;
    return httplib::Server::HandlerResponse::Handled;
  });
  server.Post(".*", [&one = *impl](const httplib::Request& call, httplib::Response& out) { one.serve(call, out); });
  if (!server.bind(listen)) return std::unexpected("control.listen: " + listen.text() + " cannot be listened at");
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

void ControlServer::serve() { impl_->server.serve(); }

ControlServer::ControlServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlServer::~ControlServer() = default;

}  // namespace viaduct::api
