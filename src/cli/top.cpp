// SPDX-License-Identifier: Apache-2.0
// Two readings a second apart make a frame; a key or a signal ends it.
#include "top.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "fields.h"
#include "table.h"
#include "terminal.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto period = std::chrono::seconds{1};

struct Sample {
  Clock::time_point at;
  std::string counters_line;
  json status;
  json counters;
};

/// What two readings of a counter say of a second between them.
class Rates {
 public:
  Rates(const json& before, const json& now, double seconds) : before_(&before), now_(&now), seconds_(seconds) {}
  [[nodiscard]] double of(const std::string& path) const { return (number(*now_, path) - number(*before_, path)) / seconds_; }
  [[nodiscard]] std::string text(const std::string& path) const { return std::to_string(std::llround(of(path))); }

 private:
  const json* before_;
  const json* now_;
  double seconds_;
};

const json& element(const json& list, std::size_t index) {
  static const json none;
  return list.is_array() && index < list.size() ? list[index] : none;
}

std::string worker_rates(const Sample& before, const Sample& now, double seconds) {
  TextTable table{{"worker", "cpu", "rx/s", "tx/s", "tx full/s", "pkts/burst", "busy", "sleeps/s"}};
  const json workers = now.counters.value("workers", json::array());
  const json workers_before = before.counters.value("workers", json::array());
  const json states = now.status.value("workers", json::array());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const Rates rates{element(workers_before, i), workers[i], seconds};
    const double bursts = rates.of("bursts");
    std::array<char, 32> per_burst{"-"};
    if (bursts > 0) std::snprintf(per_burst.data(), per_burst.size(), "%.1f", rates.of("rx_pkts") / bursts);
    table.add({cell(workers[i], "index"), cell(element(states, i), "cpu"), rates.text("rx_pkts"), rates.text("tx_pkts"), rates.text("tx_full"),
               per_burst.data(), percent(std::min(1.0, rates.of("busy_ms") / 1000)), rates.text("sleeps")});
  }
  return table.text();
}

/// A line a verdict, or a drop, that ever counted.
std::string total_rates(const Sample& before, const Sample& now, double seconds, const std::string& kind) {
  TextTable table{{kind, "/s", "total"}};
  const json total = now.counters.value("total", json::object()).value(kind, json::object());
  const json total_before = before.counters.value("total", json::object()).value(kind, json::object());
  const Rates rates{total_before, total, seconds};
  for (const auto& [name, value] : total.items())
    if (number(value, "") != 0) table.add({name, rates.text(name), cell(value, "")});
  return table.empty() ? "" : '\n' + table.text();
}

std::string frame_of(const Sample& before, const Sample& now) {
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  const std::string title = harmless(cell(now.status, "node")) + "  up " + duration(number(now.status, "uptime_s")) + "  homes " +
                            cell(now.status, "homes/up") + " up " + cell(now.status, "homes/draining") + " draining " + cell(now.status, "homes/down") +
                            " down " + (number(now.status, "homes/returning") > 0 ? cell(now.status, "homes/returning") + " returning " : "") + " epoch " +
                            cell(now.status, "epoch") + "  bindings " + cell(now.status, "registrar/bindings") + "\n\n";
  return title + worker_rates(before, now, seconds) + total_rates(before, now, seconds, "verdicts") + total_rates(before, now, seconds, "drops");
}

/// Why an answer is none; nullopt when it is one.
std::optional<Failure> refusal(const json& answer) {
  if (!answer.is_object()) return Failure{Exit::refused, "the daemon's answer is not JSON"};
  if (answer.value("ok", false)) return std::nullopt;
  return Failure{Exit::refused, answer.value("error", "the daemon refused")};
}

std::expected<Sample, Failure> sample(Daemon& daemon) {
  auto status = daemon.ask(R"({"verb":"status"})");
  if (!status) return std::unexpected(status.error());
  auto counters = daemon.ask(R"({"verb":"counters"})");
  if (!counters) return std::unexpected(counters.error());
  Sample out{Clock::now(), std::move(*counters), json::parse(*status, nullptr, false), {}};
  out.counters = json::parse(out.counters_line, nullptr, false);
  for (const auto* answer : {&out.status, &out.counters})
    if (auto refused = refusal(*answer)) return std::unexpected(*std::move(refused));
  return out;
}

/// A line as it came. False when it is not taken.
bool print_line(const std::string& line) { return std::puts(line.c_str()) >= 0 && std::fflush(stdout) == 0; }

}  // namespace

std::expected<Exit, Failure> top(Daemon daemon, const TopOptions& options) {
  Terminal terminal;
  auto before = sample(daemon);
  if (!before) return std::unexpected(before.error());
  for (unsigned shown = 0; options.count == 0 || shown < options.count; ++shown) {
    if (terminal.quits_before(before->at + period)) return Exit::done;
    auto now = sample(daemon);
    if (!now) return std::unexpected(now.error());
    if (!(options.json ? print_line(now->counters_line) : terminal.show(frame_of(*before, *now)))) return std::unexpected(not_taken({}));
    before = std::move(now);
  }
  return Exit::done;
}

std::expected<Exit, Failure> watch(Daemon daemon, const TopOptions& options, const nlohmann::json& request, const Show& show) {
  Terminal terminal;
  const std::string line = request.dump();
  Clock::time_point begun;
  for (unsigned shown = 0; options.count == 0 || shown < options.count; ++shown) {
    if (shown > 0 && terminal.quits_before(begun + period)) return Exit::done;
    begun = Clock::now();
    const auto told = daemon.ask(line);
    if (!told) return std::unexpected(told.error());
    const json answer = json::parse(*told, nullptr, false);
    if (auto refused = refusal(answer)) return std::unexpected(*std::move(refused));
    if (!(options.json ? print_line(*told) : terminal.show(show(answer)))) return std::unexpected(not_taken({}));
  }
  return Exit::done;
}

}  // namespace viaduct::cli
