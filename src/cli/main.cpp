// SPDX-License-Identifier: Apache-2.0
// The `viaduct` command: its words become one request, the answer becomes text. What a verb does is the daemon's business.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "show.h"
#include "table.h"
#include "words.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

void add_global_options(CLI::App& app, Options& options) {
  app.add_option("--socket", options.target.socket, "the daemon's control socket")->type_name("PATH");
  app.add_option("--node", options.target.node, "the daemon's node name; its socket is RUNTIME-DIR/NODE.sock")->type_name("NAME");
  app.add_option("--runtime-dir", options.target.runtime_dir, "where the sockets are")->type_name("DIR")->capture_default_str();
  app.add_flag("--json", options.json, "print the daemon's answer as it is: one JSON object a line");
}

/// A verb without words of its own.
void add_verb(CLI::App& app, const std::string& name, const std::string& what, Options& options, Action& action, Show show) {
  app.add_subcommand(name, what)->callback([&options, &action, name, show = std::move(show)] {
    action = [&options, name, show] { return ask(options, {{"verb", name}}, show); };
  });
}

void add_counters(CLI::App& app, Options& options, Action& action) {
  auto* counted = app.add_subcommand("counters", "what became of every packet");
  counted->add_flag("--all", options.all, "also the counters that are zero");
  counted->add_flag("--what", options.what, "what each of them counts");
  counted->callback([&options, &action] {
    action = [&options] {
      json request = {{"verb", "counters"}};
      if (options.what) request["what"] = true;
      return ask(options, request, [&options](const json& answer) { return show_counters(answer, options.all); });
    };
  });
}

void add_trace(CLI::App& app, Options& options, Action& action) {
  auto* traced = app.add_subcommand("trace", "a client's or a prefix's packets as they pass, and what becomes of them");
  traced->add_option("WHAT", options.trace.what, "an address-of-record, an address or a prefix")->required();
  traced->add_option("--for", options.trace.for_text, "how long: 90s, 5m, 1h")->type_name("TIME")->capture_default_str();
  traced->add_option("--out", options.trace.out, "a pcapng file, in place of lines; - is standard output")->type_name("FILE");
  traced->callback([&] {
    action = [&options]() -> std::expected<Exit, Failure> {
      const auto socket = find_socket(options.target);
      if (!socket) return std::unexpected(socket.error());
      return trace(*socket, options.trace, options.json);
    };
  });
}

void add_verbs(CLI::App& app, Options& options, Action& action) {
  add_verb(app, "status", "the node, its workers, its memory", options, action, show_status);
  add_load_verbs(app, options, action);
  add_home_verbs(app, options, action);
  add_verb(app, "directory", "the edges that clients are told of, and what is said of each", options, action, show_directory);
  add_verb(app, "fleet", "the nodes that share one assignment, and how far this one is with it", options, action, show_fleet);
  add_plan_verbs(app, options, action);
  add_subs_verbs(app, options, action);
  add_rules_verbs(app, options, action);
  add_trace(app, options, action);
  add_client_verbs(app, options, action);
  add_clients_verbs(app, options, action);
  add_counters(app, options, action);
  add_verb(app, "reload", "read the configuration again and apply what can be", options, action, show_reload);
  auto* explained = app.add_subcommand("explain", "run a file's messages through the production path, offline");
  explained->add_option("FILE", options.explain.file, "FILE.pcap, FILE.pcapng, or FILE.sip with one message")->required();
  explained->add_option("--config", options.explain.config, "the node's configuration")->type_name("FILE");
  explained->callback([&] {
    action = [&options]() -> std::expected<Exit, Failure> {
      options.explain.json = options.json;
      return std::unexpected(explain(options.explain));
    };
  });
}

/// What stdio still holds is written. Errors: usage, when standard output has not taken all.
std::expected<Exit, Failure> flushed(Exit exit) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit;
  if (errno == 0) errno = EIO;   // it was an earlier piece that was not taken
  return std::unexpected(not_taken({}));
}

int told(const Failure& failure, bool as_json) {
  if (as_json && failure.exit == Exit::refused) {
    const json answer = {{"ok", false}, {"error", failure.text}};
    std::printf("%s\n", answer.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  } else {
    std::fprintf(stderr, "viaduct: %s\n", harmless(failure.text).c_str());
  }
  return std::to_underlying(failure.exit);
}

int run(int argc, char** argv) {
  CLI::App app{"Viaduct's operator command: asks a running viaductd through its control socket.", "viaduct"};
  app.require_subcommand(1)->fallthrough();
  app.set_version_flag("--version", VIADUCT_VERSION);
  Options options;
  options.explain.called_as = argv[0];
  Action action;
  add_global_options(app, options);
  add_verbs(app, options, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : std::to_underlying(Exit::usage);
  }
  auto outcome = action();
  if (outcome) outcome = flushed(*outcome);
  return outcome ? std::to_underlying(*outcome) : told(outcome.error(), options.json);
}

}  // namespace
}  // namespace viaduct::cli

int main(int argc, char** argv) { return viaduct::cli::run(argc, argv); }
