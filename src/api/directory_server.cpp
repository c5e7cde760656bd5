// SPDX-License-Identifier: Apache-2.0
#include "viaduct/api/directory_server.h"

#include <chrono>
#include <string>
#include <utility>

#include "answers.h"
#include "http.h"
#include "viaduct/api/server.h"
#include "viaduct/directory/remote.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

/// Anybody may ask: who is slower than this is somebody else's problem.
constexpr std::chrono::seconds asker_patience{3};

json answer_powerdns(const Plant& plant, const json& question) {
  control::DirectoryCounters& counters = plant.names->counters();
  counters.dns_questions.fetch_add(1, std::memory_order_relaxed);
  json answer = directory::answer_remote(*plant.names->now(), question);
  if (answer["result"].empty()) counters.dns_nothing.fetch_add(1, std::memory_order_relaxed);
  return answer;
}

void put(httplib::Response& out, const NodeAnswer& answer) {
  out.status = answer.status;
  out.set_content(answer.body.dump(-1, ' ', false, json::error_handler_t::replace), "application/json");
  if (answer.body.contains("ttl_s")) out.set_header("Cache-Control", "max-age=" + std::to_string(answer.body["ttl_s"].get<std::uint32_t>()));
}

}  // namespace

struct DirectoryServer::Impl {
  const Plant& plant;
  std::unique_ptr<Server> dns;
  std::unique_ptr<Http> http;   // null: not configured

  /// Answer GETs of a target with one parameter.
  void get(const char* target, const char* parameter, NodeAnswer (*answer)(const Plant&, const std::string&), std::atomic<std::uint64_t>& counter) {
    http->Get(target, [this, parameter, answer, &counter](const httplib::Request& call, httplib::Response& out) {
      counter.fetch_add(1, std::memory_order_relaxed);
      put(out, answer(plant, call.get_param_value(parameter)));
    });
  }
};

std::expected<std::unique_ptr<DirectoryServer>, std::string> DirectoryServer::open(const config::DirectoryAccess& access, const Plant& plant) {
  auto impl = std::make_unique<Impl>(Impl{.plant = plant, .dns = {}, .http = {}});
  auto dns = Server::open(access.socket, [&plant](const json& question, const std::string&) { return answer_powerdns(plant, question); }, {}, access.group);
  if (!dns) return std::unexpected("directory.socket: " + dns.error());
  impl->dns = std::move(*dns);
  if (access.http) {
    impl->http = std::make_unique<Http>(asker_patience);
    control::DirectoryCounters& counters = plant.names->counters();
    impl->get("/v1/edges", "domain", directory_edges, counters.http_edges);
    impl->get("/v1/home", "aor", directory_home, counters.http_homes);
    if (!impl->http->bind(*access.http)) return std::unexpected("directory.listen: " + access.http->text() + " cannot be listened at");
  }
  return std::unique_ptr<DirectoryServer>(new DirectoryServer(std::move(impl)));
}

void DirectoryServer::serve() {
  impl_->dns->serve();
  if (impl_->http) impl_->http->serve();
}

DirectoryServer::DirectoryServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DirectoryServer::~DirectoryServer() = default;

}  // namespace viaduct::api
