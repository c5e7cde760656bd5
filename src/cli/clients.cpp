// SPDX-License-Identifier: Apache-2.0
// Words to requests: client, clients.
#include "show.h"
#include "words.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

/// Makes a verb of `client`: its name, what it does, its words beside the AoR, and how its answer is shown.
using MakeVerb = std::function<CLI::App*(const std::string&, const std::string&, const std::function<json()>&, Show)>;

void add_binding_verbs(const MakeVerb& verb, Options& options) {
  const auto bind_words = [&options] {
    json words = {{"uri", options.binding.uri}};
    if (options.binding.expires_s) words["expires_s"] = *options.binding.expires_s;
    return words;
  };
  auto* bound = verb("bind", "add a binding for the client at this node, its home", bind_words, show_bound);
  bound->add_option("URI", options.binding.uri, "where it is reached, with an IP address as host: sip:alice@192.0.2.9:5060")->required();
  bound->add_option("--expires", options.binding.expires_s, "for so long; default: as a REGISTER that asks for nothing")->type_name("SECONDS");
  const auto deregister_words = [&options] { return options.binding.rejected ? json{{"rejected", true}} : json::object(); };
  auto* deregistered = verb("deregister", "remove its bindings on this node", deregister_words, show_deregistered);
  deregistered->add_flag("--rejected", options.binding.rejected, "tell it not to come again by itself; default: to register again");
}

}  // namespace

void add_client_verbs(CLI::App& app, Options& options, Action& action) {
  auto* client = app.add_subcommand("client", "one client: where it is at home, and why")->require_subcommand(1);
  const auto verb = [&, client](const std::string& name, const std::string& what, const std::function<json()>& words, Show show) {
    auto* sub = client->add_subcommand(name, what);
    sub->add_option("AOR", options.aor, "an address-of-record, as sip:alice@example.com")->required();
    sub->callback([&options, &action, name, words, show = std::move(show)] {
      action = [&options, name, words, show] {
        json request = words();
        request["verb"] = "client." + name;
        request["aor"] = options.aor;
        return ask(options, request, show);
      };
    });
    return sub;
  };
  verb("show", "its home, and its bindings on this node", [] { return json::object(); }, show_client);
  add_binding_verbs(verb, options);
  auto* explained = verb("explain", "what would become of its REGISTER", [&options] { return json{{"vias", options.vias}}; }, show_explanation);
  explained->add_option("--vias", options.vias, "Via values that the REGISTER would have")->check(CLI::Range(1, 64))->capture_default_str();
  auto* assigned =
      verb("assign", "give it a home", [&options] { return json{{"home", options.home}, {"pin", options.pin}, {"why", options.why}}; }, show_assigned);
  assigned->add_option("HOME", options.home, "the home's name")->required();
  assigned->add_flag("--pin", options.pin, "never move it by itself");
  add_why(*assigned, options);
  add_why(
      *verb("unassign", "take its override or pin away: back to its slot's home", [&options] { return json{{"why", options.why}}; }, show_assigned), options);
  verb("history", "who moved it, when and why", [] { return json::object(); }, show_history);
}

namespace {

/// A verb that sends a file.
void add_file_verb(CLI::App& clients, const std::string& kind, const std::string& what, Options& options, Action& action) {
  auto* sub = clients.add_subcommand(kind, what);
  if (kind == "assign" || kind == "pin") sub->add_option("HOME", options.import.home, "the home's name")->required();
  sub->add_option("FILE", options.import.file, "the file; - is standard input")->required();
  sub->add_flag("--dry-run", options.import.dry_run, "check every line, change nothing");
  sub->add_flag("--skip-rejected", options.import.skip_rejected, "take the good lines; else one bad line stops all");
  add_why(*sub, options);
  sub->callback([&options, &action, kind] {
    action = [&options, kind]() -> std::expected<Exit, Failure> {
      options.import.kind = kind;
      options.import.why = options.why;
      const auto socket = find_socket(options.target);
      if (!socket) return std::unexpected(socket.error());
      const auto report = import_file(*socket, options.import, options.json);
      if (!report) return std::unexpected(report.error());
      return tell(options, *report, line_of(*report), show_import);
    };
  });
}

void add_export(CLI::App& clients, Options& options, Action& action) {
  auto* sub = clients.add_subcommand("export", "all placements as CSV, as they stand at this moment");
  sub->add_option("--home", options.exporting.home, "only those at this home")->type_name("HOME");
  sub->add_option("--prefix", options.exporting.prefix, "only AoRs that begin so")->type_name("TEXT");
  sub->add_flag("--pins", options.exporting.pins_only, "only those that are pinned");
  sub->add_flag("--overrides", options.exporting.overrides_only, "only those that are not pinned");
  sub->add_option("--out", options.exporting.out, "a file; - is standard output, and the default")->type_name("FILE");
  sub->callback([&options, &action] {
    action = [&options]() -> std::expected<Exit, Failure> {
      const auto socket = find_socket(options.target);
      if (!socket) return std::unexpected(socket.error());
      return export_file(*socket, options.exporting);
    };
  });
}

}  // namespace

void add_clients_verbs(CLI::App& app, Options& options, Action& action) {
  auto* clients = app.add_subcommand("clients", "all clients: files in and out, store against table, numbers")->require_subcommand(1);
  add_file_verb(*clients, "import", "place clients: lines of aor,home[,pin]", options, action);
  add_file_verb(*clients, "assign", "place clients at one home: lines of aor", options, action);
  add_file_verb(*clients, "pin", "place and pin clients at one home: lines of aor", options, action);
  add_file_verb(*clients, "unassign", "take placements away: lines of aor", options, action);
  add_export(*clients, options, action);
  clients->add_subcommand("verify", "compare the store with the table, and every checksum")->callback([&options, &action] {
    action = [&options]() -> std::expected<Exit, Failure> {
      const auto socket = find_socket(options.target);
      if (!socket) return std::unexpected(socket.error());
      const auto answer = ask_long(*socket, {{"verb", "clients.verify"}});
      if (!answer) return std::unexpected(answer.error());
      return tell(options, *answer, line_of(*answer), show_verified);
    };
  });
  clients->add_subcommand("stats", "how many, where, in how much memory")->callback([&options, &action] {
    action = [&options] { return ask(options, {{"verb", "clients.stats"}}, show_stats); };
  });
}

}  // namespace viaduct::cli
