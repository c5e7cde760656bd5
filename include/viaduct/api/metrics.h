// SPDX-License-Identifier: Apache-2.0
// What a monitoring system asks by HTTP: every counter and state as metrics, whether the node is alive, whether it is ready.
#pragma once
#include <expected>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "viaduct/api/verbs.h"
#include "viaduct/base/address.h"

namespace viaduct::api {

/// Answers of verbs as metrics: `counters` with what each counts, `status`, `homes`, `load`, and `directory` (null: none).
/// Source: Prometheus's text format 0.0.4. Names: viaduct_..., base units, `_total` at counters; labels are bounded by the configuration. Thread: any; pure.
struct Readings {
  nlohmann::json counters, status, homes, load, directory, fleet;
};
[[nodiscard]] std::string metrics_text(const Readings& readings);

/// HTTP: GET /metrics, /healthz (200 while the control core answers), /readyz (200 when all that the store has is in the table, else 503).
class MetricsServer {
 public:
  /// Listen there; who connects waits until it serves. Errors: the address cannot be had.
  [[nodiscard]] static std::expected<std::unique_ptr<MetricsServer>, std::string> open(const base::Endpoint& listen, const Plant& plant);
  /// Answer from now on, on threads of its own. Called once.
  void serve();
  ~MetricsServer();  ///< waits for what is being answered

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::api
