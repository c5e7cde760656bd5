// SPDX-License-Identifier: Apache-2.0
// Words to requests, and answers to tables with bars: rates as they are, the load of homes, and the clients with the most of it.
#include <algorithm>

#include "bars.h"
#include "fields.h"
#include "table.h"
#include "words.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

constexpr unsigned measured_ms = 500;   // of each second: a key is heard in the rest

std::string percent_in_tenths(double ratio) { return decimal(ratio * 100) + '%'; }

/// A half, 95 and 99 of a hundred answers came within.
std::string answered(const json& home) {
  if (!home.value("answers", json()).is_object()) return "-";
  std::string out;
  for (const auto* path : {"answers/p50_ms", "answers/p95_ms", "answers/p99_ms"}) out += (out.empty() ? "" : " / ") + decimal(number(home, path));
  return out;
}

std::string footing(const json& answer) {
  const double seconds = number(answer, "seconds");
  const bool is_closed = number(answer, "window") > 0;
  std::string out = "max/mean " + decimal(number(answer, "max_over_mean"), 2) + "; ";
  out += is_closed ? "window " + cell(answer, "window") + ", " : "";
  out += decimal(seconds, 0) + " s; ";
  const std::string one_in = cell(answer, "samples/one_in");
  out += one_in == "1" ? "every request is sampled" : "one request in " + one_in + " is sampled";
  if (number(answer, "samples/lost") > 0) out += ", " + cell(answer, "samples/lost") + " samples lost";
  return out + '\n';
}

std::string show_load(const json& answer) {
  TextTable table{{"home", "state", "clients", "messages/s", "REGISTER/s", "load/s", "used", "share", "trend", "asks for", "refused/s", "answers ms",
                   "load for its weight"}};
  const json homes = answer.value("homes", json::array());
  double highest = 0;
  for (const auto& home : homes) highest = std::max(highest, number(home, "relative"));
  for (const auto& home : homes) {
    const bool has_capacity = home.value("utilisation", json()).is_number();
    table.add({cell(home, "name"), cell(home, "state"), cell(home, "clients"), decimal(number(home, "messages_per_s")),
               decimal(number(home, "registers_per_s")), decimal(number(home, "load_per_s")),
               has_capacity ? percent_in_tenths(number(home, "utilisation")) : "-", percent_in_tenths(number(home, "share")),
               percent_in_tenths(number(home, "trend")), asked(home), decimal(number(home, "shed_per_s")), answered(home),
               load_bar(number(home, "relative"), highest)});
  }
  return table.empty() ? "no homes\n" : table.text() + '\n' + footing(answer);
}

std::string show_heavy_clients(const json& answer) {
  TextTable table{{"client", "home", "by", "load/s", "samples"}};
  for (const auto& client : answer.value("clients", json::array())) {
    const std::string name = cell(client, "aor");
    table.add({name == "-" ? cell(client, "key") : name, cell(client, "home"), cell(client, "layer"), decimal(number(client, "load_per_s"), 3),
               decimal(number(client, "samples"))});
  }
  return table.empty() ? "no client has been seen\n" : table.text() + '\n' + cell(answer, "tracked") + " clients tracked\n";
}

std::expected<Daemon, Failure> connect(const Options& options) {
  const auto socket = find_socket(options.target);
  if (!socket) return std::unexpected(socket.error());
  return Daemon::connect(*socket, answer_s);
}

std::expected<Exit, Failure> run_top(const Options& options) {
  auto daemon = connect(options);
  if (!daemon) return std::unexpected(daemon.error());
  const TopOptions how{options.top.count, options.json};
  if (!options.load.clients) return top(std::move(*daemon), how);
  return watch(std::move(*daemon), how, {{"verb", "load.clients"}, {"most", options.load.most}}, show_heavy_clients);
}

std::expected<Exit, Failure> run_load(const Options& options) {
  if (!options.load.watch) return ask(options, {{"verb", "load"}}, show_load);
  auto daemon = connect(options);
  if (!daemon) return std::unexpected(daemon.error());
  return watch(std::move(*daemon), {options.top.count, options.json}, {{"verb", "load"}, {"measure_ms", measured_ms}}, show_load);
}

void add_count(CLI::App& sub, Options& options) {
  sub.add_option("--count", options.top.count, "end after this many seconds")->type_name("N")->check(CLI::Range(1U, 1'000'000U));
}

}  // namespace

void add_load_verbs(CLI::App& app, Options& options, Action& action) {
  auto* live = app.add_subcommand("top", "rates, live, once a second; q or Ctrl-C ends it");
  add_count(*live, options);
  live->add_flag("--clients", options.load.clients, "the clients with the most load, in place of the node's rates");
  live->add_option("--most", options.load.most, "with --clients: so many")->check(CLI::Range(1, 10'000))->capture_default_str();
  live->callback([&] { action = [&options] { return run_top(options); }; });
  auto* load = app.add_subcommand("load", "what each home bears, over the last window");
  load->add_flag("--watch", options.load.watch, "as it is now, once a second; q or Ctrl-C ends it");
  add_count(*load, options);
  load->callback([&] { action = [&options] { return run_load(options); }; });
}

}  // namespace viaduct::cli
