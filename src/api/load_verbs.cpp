// SPDX-License-Identifier: Apache-2.0
// Verbs about load: of homes over a window, and of the clients with the most of it.
#include <fmt/format.h>

#include "answers.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

constexpr std::size_t clients_told_max = 10'000;
constexpr unsigned measured_ms_max = 60'000;

template <typename Names, typename Values>
json named(const Names& names, const Values& values) {
  json out = json::object();
  for (std::size_t i = 0; i < names.size(); ++i) out[std::string(names[i])] = values[i];
  return out;
}

constexpr std::array classes = {"1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};

json row_of(const control::HomeLoad& h, const site::HomeSums& sums) {
  return {{"name", h.name},
          {"state", assign::name(h.state)},
          {"weight", h.weight},
          {"capacity", h.capacity},
          {"clients", h.clients},
          {"messages_per_s", h.messages_per_s},
          {"registers_per_s", h.registers_per_s},
          {"responses_per_s", named(classes, h.responses_per_s)},
          {"load_per_s", h.load_per_s},
          {"utilisation", h.capacity != 0 ? json(h.utilisation) : json()},
          {"share", h.share},
          {"relative", h.relative},
          {"trend", h.trend},
          {"requests", named(site::kind_names, sums.requests)},
          {"responses", named(classes, sums.responses)}};
}

json window_json(const Plant& plant, const control::LoadWindow& window) {
  json rows = json::array();
  for (std::size_t i = 0; i < window.homes.size(); ++i)
    if (window.homes[i].state != assign::HomeState::removed)
      rows.push_back(row_of(window.homes[i], plant.commons.load.sums(static_cast<assign::HomeIndex>(i))));
  const auto s = plant.monitor.statistics();
  return {{"ok", true},
          {"window", window.number},
          {"seconds", window.seconds},
          {"load_per_s", window.load_per_s},
          {"max_over_mean", window.max_over_mean},
          {"homes", rows},
          {"samples", {{"one_in", s.one_in}, {"taken", s.taken}, {"lost", s.lost}, {"clients", s.tracked}, {"evicted", s.evicted}}}};
}

json load_of_homes(const Plant& plant, const json& request) {
  const auto measured_ms = request.value("measure_ms", 0U);
  if (measured_ms > measured_ms_max) return failure(fmt::format("measure_ms: up to {}", measured_ms_max));
  return window_json(plant, measured_ms == 0 ? plant.monitor.window() : plant.monitor.measure(std::chrono::milliseconds(measured_ms)));
}

json load_of_clients(const Plant& plant, const json& request) {
  const auto most = request.value("most", std::size_t{20});
  if (most == 0 || most > clients_told_max) return failure(fmt::format("most: 1 to {}", clients_told_max));
  const auto heaviest = plant.monitor.heaviest(most);
  json rows = json::array();
  plant.loop.call([&] {
    const site::Site& site = plant.commons.site.read();
    for (const control::ClientLoad& c : heaviest)
      rows.push_back({{"aor", c.aor},
                      {"key", fmt::format("{:016x}{:016x}", c.key.high, c.key.low)},
                      {"home", home_name(site, c.home)},
                      {"layer", assign::name(c.layer)},
                      {"load_per_s", c.load_per_s()},
                      {"samples", c.events}});
  });
  return {{"ok", true}, {"tracked", plant.monitor.statistics().tracked}, {"clients", rows}};
}

}  // namespace

Answer load_homes(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return load_of_homes(plant, request); });
}

Answer load_clients(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return load_of_clients(plant, request); });
}

}  // namespace viaduct::api
