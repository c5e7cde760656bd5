// SPDX-License-Identifier: Apache-2.0
// Verbs about load: of homes over a window, and of the clients with the most of it.
#include <fmt/format.h>

#include "answers.h"
#include "arguments.h"
#include "viaduct/nic/nic.h"

namespace viaduct::api {
namespace {

// Of another node's call: the clients with the most load, and octets of them, of base::node_call_bytes_max in all.
constexpr std::size_t clients_for_nodes_max = 20'000;
constexpr std::size_t clients_bytes_enough = std::size_t{2} << 20;

using nlohmann::json;

constexpr std::uint32_t clients_told_max = 10'000;
constexpr unsigned measured_ms_max = 60'000;

constexpr std::array classes = {"1xx", "2xx", "3xx", "4xx", "5xx", "6xx"};

/// Of the answers that were timed: what a half, 95 and 99 of a hundred stayed below, ms; null without any.
json answers_of(const control::HomeLoad& h) {
  if (h.timed == 0) return {};
  return {{"timed", h.timed}, {"p50_ms", h.answer_ms[0]}, {"p95_ms", h.answer_ms[1]}, {"p99_ms", h.answer_ms[2]}};
}

/// So many answers in all that took so long at least: one row a class that has any.
json answer_times_of(const site::HomeSums& sums) {
  json out = json::array();
  for (std::size_t c = 0; c < sums.answer_times.size(); ++c)
    if (sums.answer_times[c] != 0) out.push_back({{"from_us", site::answer_time_us(c)}, {"answers", sums.answer_times[c]}});
  return out;
}

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
          {"shed_per_s", h.shed_per_s},
          {"shed_asked_per_s", h.shed_asked_per_s},
          {"answers", answers_of(h)},
          {"answer_times", answer_times_of(sums)},
          {"shed", sums.shed},
          {"shed_asked", sums.shed_asked},
          {"requests", named(site::kind_names, sums.requests)},
          {"responses", named(classes, sums.responses)}};
}

json window_json(const Plant& plant, const control::LoadWindow& window) {
  json rows = json::array();
  for (std::size_t i = 0; i < window.homes.size(); ++i)
    if (window.homes[i].state != assign::HomeState::removed) {
      const auto home = static_cast<assign::HomeIndex>(i);
      rows.push_back(row_of(window.homes[i], plant.commons.load.sums(home)));
      rows.back()["asks"] = asked_json(plant.commons.load.overloads, home);
    }
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
  const auto measured_ms = whole_number(request, "measure_ms", {0, measured_ms_max}).value_or(0);
  return window_json(plant, measured_ms == 0 ? plant.monitor.window() : plant.monitor.measure(std::chrono::milliseconds(measured_ms)));
}

json load_of_clients(const Plant& plant, const json& request) {
  const auto most = whole_number(request, "most", {1, clients_told_max}).value_or(20);
  const auto heaviest = plant.monitor.heaviest(most);
  json rows = json::array();
  plant.loop.call([&] {
    const site::Site& site = plant.commons.site.read();
    for (const control::ClientLoad& c : heaviest)
      rows.push_back({{"aor", c.aor},
                      {"key", hex(c.key)},
                      {"home", home_name(site, c.home)},
                      {"layer", assign::name(c.layer)},
                      {"load_per_s", c.load_per_s()},
                      {"samples", c.events}});
  });
  return {{"ok", true}, {"tracked", plant.monitor.statistics().tracked}, {"clients", rows}};
}

}  // namespace

json asked_json(const site::Overloads& overloads, assign::HomeIndex home) {
  const std::uint64_t now_ms = nic::now_ms();
  const auto wish = overloads.of(home, now_ms);
  if (!wish) return {};
  return {{"algorithm", sip::name(wish->algorithm)}, {"value", wish->value}, {"for_ms", wish->until_ms - now_ms}};
}

json load_now(const Plant& plant) { return window_json(plant, plant.monitor.window()); }

Answer load_homes(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return load_of_homes(plant, request); });
}

Answer load_clients(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return load_of_clients(plant, request); });
}

NodeAnswer load_call(const Plant& plant) {
  const control::LoadWindow window = plant.monitor.window();
  json homes = json::array();
  for (const control::HomeLoad& h : window.homes)
    homes.push_back({{"load_per_s", h.load_per_s},
                     {"load_error_per_s", h.load_error_per_s},
                     {"messages_per_s", h.messages_per_s},
                     {"registers_per_s", h.registers_per_s},
                     {"shed_per_s", h.shed_per_s},
                     {"shed_asked_per_s", h.shed_asked_per_s},
                     {"responses_per_s", h.responses_per_s}});
  json clients = json::array();
  std::size_t bytes = 0;
  for (const control::ClientLoad& c : plant.monitor.heaviest(clients_for_nodes_max)) {
    if (c.aor.empty()) continue;
    if ((bytes += c.aor.size()) > clients_bytes_enough) break;
    clients.push_back(json::array({c.aor, c.events, c.weight, c.own_weight, c.scale}));
  }
  return {.body = {{"ok", true}, {"seconds", window.seconds}, {"homes", homes}, {"clients", clients}}};
}

}  // namespace viaduct::api
