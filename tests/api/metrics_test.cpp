// SPDX-License-Identifier: Apache-2.0
// Answers of verbs as Prometheus's text: names, units, labels, and texts that need escapes.
#include "viaduct/api/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace viaduct::api {
namespace {

using nlohmann::json;

Readings some_readings() {
  const json each = {{"index", 0}, {"rx_pkts", 10}, {"busy_ms", 2500}, {"verdicts", {{"redirected", 8}, {"dropped", 2}}}, {"drops", {{"ip_checksum", 2}}}};
  json second = each;
  second["index"] = 1;
  return {
      .counters = {{"workers", {each, second}},
                   {"control", {{"probes_sent", 7}}},
                   {"directory", nullptr},
                   {"ports", {{{"name", "access"}, {"rx_missed", 3}}}},
                   {"what", {{"total", {{"rx_pkts", "packets"}}}, {"control", {{"probes_sent", "a \\ and\na line"}}}, {"ports", {{"rx_missed", "lost"}}}}}},
      .status = {{"version", "1.2.3"}, {"uptime_s", 60}, {"store", {{"loaded", true}}}, {"registrar", {{"bindings", 5}}}, {"memory", {{"resident", 1048576}}}},
      .homes = {{"homes", {{{"name", "a\"b\\c"}, {"state", "draining"}, {"weight", 2}, {"health", {{"round_trip_us", 1500}}}}}}},
      .load = {{"max_over_mean", 1.25},
               {"homes",
                {{{"name", "north"}, {"utilisation", nullptr}, {"requests", {{"REGISTER", 9}}}, {"answers", {{"p50_ms", 1.5}, {"p95_ms", 20}, {"p99_ms", 30}}}},
                 {{"name", "south"}, {"utilisation", 0.5}, {"requests", {{"REGISTER", 4}}}, {"answers", nullptr}}}}},
      .directory = {{"edges", {{{"name", "edge-1.example.com"}, {"state", "down"}, {"weight", 0}, {"busy_ratio", nullptr}}}}},
      .fleet = {{"stale", true}, {"behind", 3}, {"heard_ago_s", 12.5}, {"leads", false}, {"nodes", {1, 2}}}};
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

TEST(Metrics, HaveUnitsTypesAndLabels) {
  const auto all = lines(metrics_text(some_readings()));
  for (const auto* line : {"# HELP viaduct_worker_rx_pkts_total packets",
                           "# TYPE viaduct_worker_rx_pkts_total counter",
                           "viaduct_worker_rx_pkts_total{worker=\"0\"} 10",
                           "viaduct_worker_rx_pkts_total{worker=\"1\"} 10",
                           "viaduct_worker_busy_seconds_total{worker=\"0\"} 2.5",
                           "viaduct_verdicts_total{worker=\"1\",verdict=\"redirected\"} 8",
                           "viaduct_drops_total{worker=\"0\",reason=\"ip_checksum\"} 2",
                           "viaduct_control_probes_sent_total 7",
                           "# HELP viaduct_control_probes_sent_total a \\\\ and\\na line",
                           "viaduct_port_rx_missed_total{port=\"access\"} 3",
                           "viaduct_build_info{version=\"1.2.3\"} 1",
                           "# TYPE viaduct_bindings gauge",
                           "viaduct_bindings 5",
                           "viaduct_ready 1",
                           "viaduct_memory_bytes{kind=\"resident\"} 1048576",
                           "viaduct_home_state{home=\"a\\\"b\\\\c\",state=\"draining\"} 1",
                           "viaduct_home_state{home=\"a\\\"b\\\\c\",state=\"up\"} 0",
                           "viaduct_home_probe_seconds{home=\"a\\\"b\\\\c\"} 0.0015",
                           "viaduct_imbalance_ratio 1.25",
                           "viaduct_home_requests_total{home=\"north\",kind=\"REGISTER\"} 9",
                           "viaduct_home_answer_seconds{home=\"north\",quantile=\"0.95\"} 0.02",
                           "viaduct_home_utilisation_ratio{home=\"south\"} 0.5",
                           "viaduct_fleet_stale 1",
                           "viaduct_fleet_behind 3",
                           "viaduct_fleet_heard_ago_seconds 12.5",
                           "viaduct_fleet_nodes 2",
                           "viaduct_edge_state{edge=\"edge-1.example.com\",state=\"down\"} 1"})
    EXPECT_EQ(std::ranges::count(all, line), 1) << line;
  for (const auto* prefix :
       {"viaduct_worker_index", "viaduct_worker_busy_ms", "viaduct_edge_busy_ratio", "viaduct_home_answer_seconds{home=\"south\"", "viaduct_directory_"})
    EXPECT_TRUE(std::ranges::none_of(all, [&](const std::string& line) { return line.starts_with(prefix); })) << prefix;
}

TEST(Metrics, KeepAFamilyTogetherUnderOneHead) {
  std::vector<std::string> seen;
  std::string family;
  for (const std::string& line : lines(metrics_text(some_readings()))) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_EQ(std::ranges::count(seen, family), 0) << family;
      seen.push_back(family);
    } else if (!line.starts_with('#')) {
      EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family) << line;
    }
  }
  EXPECT_GT(seen.size(), 30U);
}

TEST(Metrics, TellLargeCountsWhole) {
  Readings r = some_readings();
  r.counters["workers"][0]["rx_pkts"] = 1'234'567'890'123;
  const auto all = lines(metrics_text(r));
  EXPECT_EQ(std::ranges::count(all, "viaduct_worker_rx_pkts_total{worker=\"0\"} 1234567890123"), 1);
}

}  // namespace
}  // namespace viaduct::api
