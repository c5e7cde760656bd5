// SPDX-License-Identifier: Apache-2.0
// Words to requests: homes; and how empty one is that drains.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bars.h"
#include "fields.h"
#include "follow.h"
#include "show.h"
#include "words.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

bool was_given(const CLI::App& sub, const std::string& option) {
  const CLI::Option* found = sub.get_option_no_throw(option);
  return found != nullptr && found->count() > 0;
}

/// A text that was given; an empty one is the default again.
void add_text(json& request, const CLI::App& sub, const std::string& option, const std::string& field, const std::string& text) {
  if (was_given(sub, option)) request[field] = text.empty() ? json() : json(text);
}

/// The fields of a home that were given.
json home_request(const CLI::App& sub, const Options& options, const std::string& verb) {
  const HomeWords& w = options.home_words;
  json request = {{"verb", "homes." + verb}, {"name", w.name}, {"why", options.why}};
  add_text(request, sub, "--address", "address", w.address);
  add_text(request, sub, "--control", "control", w.control);
  add_text(request, sub, "--zone", "zone", w.zone);
  add_text(request, sub, "--reg-notifier", "reg_notifier", w.reg_notifier);
  if (!w.publics.empty()) request["public"] = w.publics;
  if (was_given(sub, "--weight")) request["weight"] = w.weight;
  if (was_given(sub, "--capacity")) request["capacity"] = w.capacity;
  if (was_given(sub, "--max-per-s")) request["max_per_s"] = w.max_per_s;
  if (was_given(sub, "--local")) request["local"] = w.local;
  if (was_given(sub, "--viaduct")) request["viaduct"] = w.viaduct;
  if (was_given(sub, "--probe")) request["probe"] = w.probe;
  return request;
}

CLI::App* add_home_verb(CLI::App& homes, const std::string& verb, const std::string& what, Options& options, Action& action) {
  auto* sub = homes.add_subcommand(verb, what);
  sub->add_option("NAME", options.home_words.name, "the home's name")->required();
  add_why(*sub, options);
  sub->callback(
      [&options, &action, sub, verb] { action = [&options, sub, verb] { return ask(options, home_request(*sub, options, verb), show_home_change); }; });
  return sub;
}

void add_home_fields(CLI::App& sub, HomeWords& words, bool is_new) {
  sub.add_option("--address", words.address, "where edges send: ADDRESS:PORT")->required(is_new);
  // Else the parser would take the brackets of an IPv6 address for those of a list.
  sub.add_option("--public", words.publics, "where clients are sent, one a family; default: the address")->allow_extra_args(false);
  sub.add_option("--control", words.control, "where other nodes call it: ADDRESS:PORT");
  sub.add_option("--reg-notifier", words.reg_notifier, "who tells the watchers of its clients; default: edge, unless it is a Viaduct")
      ->check(CLI::IsMember({"edge", "home"}));
  sub.add_option("--zone", words.zone, "plans keep clients in theirs while it has room");
  sub.add_option("--weight", words.weight, "its share of the slots when they are dealt")->check(CLI::Range(1, 65535));
  sub.add_option("--capacity", words.capacity, "messages a second that it can serve; 0: not said")->check(CLI::Range(0, 1'000'000'000));
  sub.add_option("--max-per-s", words.max_per_s, "requests a second that edges let go there; 0: all")->check(CLI::Range(0, 100'000'000));
  sub.add_flag("--local,!--no-local", words.local, "this node registers its clients");
  sub.add_flag("--viaduct,!--no-viaduct", words.viaduct, "it is a Viaduct node");
  sub.add_flag("--probe,!--no-probe", words.probe, "it is asked whether it is alive");
}

/// Clients who are placed at the home, or live there by their slots as far as they are known, and those who have set out and are not confirmed yet.
std::expected<Exit, Failure> watch_leaving(const Options& options) {
  double most = 0;
  const auto read = [&](const json& answer) -> Progress {
    const double left = number(answer, "clients") + number(answer, "waiting");
    most = std::max(most, left);
    std::string line =
        fmt::format("{} {} clients left, {} on their way", progress_bar(most > 0 ? 1 - left / most : 1), cell(answer, "clients"), cell(answer, "waiting"));
    if (answer.value("subscriptions", json()).is_number()) line += fmt::format(", {} subscriptions left", cell(answer, "subscriptions"));
    const bool is_over = left == 0 && number(answer, "subscriptions") == 0;
    return {.line = std::move(line), .left = left, .is_over = is_over};
  };
  return follow(options, {{"verb", "homes.leaving"}, {"name", options.home_words.name}}, read);
}

void add_drain(CLI::App& homes, Options& options, Action& action) {
  auto* sub = add_home_verb(homes, "drain", "serve its clients, choose it for no others", options, action);
  sub->add_flag("--watch", options.home_words.watch, "until it is empty: clients and subscriptions left");
  sub->callback([&options, &action, sub] {
    action = [&options, sub]() -> std::expected<Exit, Failure> {
      const auto done = ask(options, home_request(*sub, options, "drain"), show_home_change);
      return done == Exit::done && options.home_words.watch ? watch_leaving(options) : done;
    };
  });
}

}  // namespace

void add_home_verbs(CLI::App& app, Options& options, Action& action) {
  auto* homes = app.add_subcommand("homes", "the servers of the fleet");
  homes->callback([&options, &action, homes] {
    if (homes->get_subcommands().empty()) action = [&options] { return ask(options, {{"verb", "homes"}}, show_homes); };
  });
  add_home_fields(*add_home_verb(*homes, "add", "a new home", options, action), options.home_words, true);
  add_home_fields(*add_home_verb(*homes, "set", "change what is given of a home", options, action), options.home_words, false);
  add_drain(*homes, options, action);
  add_home_verb(*homes, "ready", "the end of a drain", options, action);
  add_home_verb(*homes, "down", "take it out of service: its clients fail over to other homes", options, action);
  add_home_verb(*homes, "up", "it is back, and so are its clients", options, action);
  add_home_verb(*homes, "remove", "take a home away that no client is placed at; its slots go to the others", options, action);
}

}  // namespace viaduct::cli
