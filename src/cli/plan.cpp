// SPDX-License-Identifier: Apache-2.0
// Words to requests: plans.
#include "plan.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <utility>

#include "follow.h"
#include "show.h"
#include "words.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

/// As CLI::Range, which takes what is not a number for one in any range.
CLI::Validator number_in(double least, double most) {
  const auto check = [least, most](const std::string& text) {
    double value = 0;
    const bool is_in = CLI::detail::lexical_cast(text, value) && value >= least && value <= most;
    return is_in ? std::string{} : fmt::format("{}: a number, {} to {}", text, least, most);
  };
  return {check, fmt::format("FLOAT in [{} - {}]", least, most)};
}

void add_wish(CLI::App& sub, Options& options) {
  sub.add_option("--target", options.plan.target, "how far above its share a home may be: 0.05")->check(number_in(0.001, 1));
  sub.add_option("--max-moves", options.plan.moves_max, "of all clients, at the most: 0.09")->check(number_in(0, 1));
  sub.add_flag("--force", options.plan.force, "also on too little evidence, and though it gains little");
}

json wish_of(const Options& options, const std::string& verb) {
  json request = {{"verb", verb}, {"force", options.plan.force}};
  if (!options.plan.without.empty()) request["without"] = options.plan.without;
  if (options.plan.with_weight) request["with_weight"] = *options.plan.with_weight;
  if (options.plan.target) request["target"] = *options.plan.target;
  if (options.plan.moves_max) request["moves_max"] = *options.plan.moves_max;
  if (!options.plan.mode.empty()) request["mode"] = options.plan.mode;
  return request;
}

/// Lines of `home,load`; empty ones and those that begin with # say nothing.
std::expected<json, Failure> read_loads(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::unexpected(Failure{Exit::usage, path + ": cannot be read"});
  json out = json::object();
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const std::size_t comma = line.find(',');
    double load = 0;
    const char* const end = line.data() + line.size();
    const bool is_read = comma != line.npos && comma != 0 && std::from_chars(line.data() + comma + 1, end, load) == std::from_chars_result{end, std::errc{}};
    if (!is_read || !std::isfinite(load) || load < 0)
      return std::unexpected(Failure{Exit::usage, fmt::format("{}:{}: \"{}\" is no line of home,load", path, number, line)});
    out[line.substr(0, comma)] = load;
  }
  if (in.bad()) return std::unexpected(Failure{Exit::usage, path + ": cannot be read"});
  return out;
}

std::expected<Exit, Failure> simulate(const Options& options) {
  json request = wish_of(options, "plan.simulate");
  if (!options.plan.load_file.empty()) {
    auto loads = read_loads(options.plan.load_file);
    if (!loads) return std::unexpected(loads.error());
    request["loads"] = std::move(*loads);
  }
  return ask(options, request, show_plan);
}

json about(const Options& options, const std::string& verb) {
  json request = {{"verb", verb}};
  if (options.plan.id) request["id"] = *options.plan.id;
  return request;
}

CLI::Option* add_mode(CLI::App& sub, Options& options) {
  return sub
      .add_option("--mode", options.plan.mode,
                  "lazy: clients come at their next refresh; paced: who watches himself is asked to; evacuate: watchers are sent away at once")
      ->check(CLI::IsMember({"lazy", "paced", "evacuate"}));
}

void add_create(CLI::App& plan, Options& options, Action& action) {
  auto* sub = plan.add_subcommand("create", "make a plan, and move nobody");
  sub->add_option("--drain", options.plan.without, "give this home's clients to the others")->type_name("HOME");
  add_wish(*sub, options);
  add_mode(*sub, options);
  sub->callback([&] { action = [&options] { return ask(options, wish_of(options, "plan.create"), show_plan); }; });
}

void add_simulate(CLI::App& plan, Options& options, Action& action) {
  auto* sub = plan.add_subcommand("simulate", "what the plan would be under an assumption; nothing is stored");
  sub->add_option("--without", options.plan.without, "if this home drained")->type_name("HOME");
  sub->add_option("--add", options.plan.with_weight, "if there was one more home of this weight")->type_name("WEIGHT")->check(CLI::Range(1, 65535));
  add_wish(*sub, options);
  sub->add_option("--load-file", options.plan.load_file, "if homes had the load of its lines of home,load, in the units of `viaduct load`")->type_name("FILE");
  sub->callback([&] { action = [&options] { return simulate(options); }; });
}

Progress progress_of(const json& answer) {
  const json& plan = answer["plan"];
  const auto state = plan.value("state", std::string{});
  return {.line = plan_progress(plan), .left = plan_left(plan), .is_over = state == "done" || state == "aborted"};
}

CLI::App* add_about(CLI::App& plan, const std::string& name, const std::string& what, Options& options, Action& action, const Show& show) {
  auto* sub = plan.add_subcommand(name, what);
  sub->add_option("ID", options.plan.id, "the plan's number; the newest one's without");
  sub->callback([&options, &action, name, show] {
    action = [&options, name, show]() -> std::expected<Exit, Failure> {
      json request = about(options, "plan." + name);
      if (options.plan.rate) request["rate"] = *options.plan.rate;
      if (!options.plan.mode.empty()) request["mode"] = options.plan.mode;
      if (options.plan.most > 0) request["most"] = options.plan.most;
      return options.plan.watch ? follow(options, request, progress_of) : ask(options, request, show);
    };
  });
  return sub;
}

}  // namespace

void add_plan_verbs(CLI::App& app, Options& options, Action& action) {
  auto* plan = app.add_subcommand("plan", "who should move where, and how far it is")->require_subcommand(1);
  add_create(*plan, options, action);
  add_simulate(*plan, options, action);
  auto* shown = add_about(*plan, "show", "a plan, and how far it is", options, action, show_plan);
  shown->add_flag("--watch", options.plan.watch, "until it is over");
  auto* steps = add_about(*plan, "diff", "who moves from where to where", options, action, show_plan_steps);
  steps->add_option("--most", options.plan.most, "so many lines at the most")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  auto* applied = add_about(*plan, "apply", "carry a plan out", options, action, show_plan);
  applied->add_option("--rate", options.plan.rate, "clients a second at the most")->check(number_in(0.001, 1e6));
  add_mode(*applied, options);
  add_about(*plan, "pause", "start no further moves", options, action, show_plan);
  add_about(*plan, "resume", "go on", options, action, show_plan);
  add_about(*plan, "abort", "start no further moves, finish those under way", options, action, show_plan);
  plan->add_subcommand("history", "plans, and why none is due now")->callback([&] {
    action = [&options] { return ask(options, {{"verb", "plan.history"}}, show_plans); };
  });
}

}  // namespace viaduct::cli
