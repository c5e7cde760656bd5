// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include "answers.h"
#include "http.h"
#include "viaduct/api/metrics.h"

namespace viaduct::api {
namespace {

constexpr std::chrono::seconds scraper_patience{3};

std::string measured(const Plant& plant) {
  return metrics_text({.counters = counters(plant, {{"what", true}}),
                       .status = status(plant, {}),
                       .homes = homes(plant, {}),
                       .load = load_now(plant),
                       .directory = plant.names ? directory_show(plant, {}) : nlohmann::json(),
                       .fleet = plant.replica       ? fleet_show(plant, {})
                                : plant.config.etcd ? nlohmann::json{{"stale", true}}
                                                    : nlohmann::json()});
}

void say(httplib::Response& out, int status, const char* what) {
  out.status = status;
  out.set_content(what, "text/plain");
}

}  // namespace

struct MetricsServer::Impl {
  Http server{scraper_patience};
};

std::expected<std::unique_ptr<MetricsServer>, std::string> MetricsServer::open(const base::Endpoint& listen, const Plant& plant) {
  auto impl = std::make_unique<Impl>();
  impl->server.Get("/metrics", [&plant](const httplib::Request&, httplib::Response& out) { out.set_content(measured(plant), "text/plain; version=0.0.4"); });
  impl->server.Get("/healthz", [&plant](const httplib::Request&, httplib::Response& out) {
    plant.loop.call([] {});   // whoever asks gives up if this never comes back
    say(out, 200, "alive\n");
  });
  impl->server.Get("/readyz", [&plant](const httplib::Request&, httplib::Response& out) {
    if (plant.placements.is_loaded())
      say(out, 200, "ready\n");
    else
      say(out, 503, "the store is being read\n");
  });
  if (!impl->server.bind(listen)) return std::unexpected("metrics.listen: " + listen.text() + " cannot be listened at");
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

void MetricsServer::serve() { impl_->server.serve(); }

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

}  // namespace viaduct::api
