// SPDX-License-Identifier: Apache-2.0
// One question asked and its answer printed. Which question is the verbs' business.
#include <cstdio>

#include "fields.h"
#include "words.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

std::string line_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::expected<Exit, Failure> tell(const Options& options, const json& answer, const std::string& line, const Show& show) {
  const bool ok = answer.value("ok", json{}) == true;
  if (options.json) {
    print(line + '\n');
    return ok ? Exit::done : Exit::refused;
  }
  if (!ok) return std::unexpected(Failure{Exit::refused, cell(answer, "error")});
  print(show(answer));
  return Exit::done;
}

std::expected<Exit, Failure> ask(const Options& options, const json& request, const Show& show) {
  const auto socket = find_socket(options.target);
  if (!socket) return std::unexpected(socket.error());
  auto daemon = Daemon::connect(*socket, commit_s);
  if (!daemon) return std::unexpected(daemon.error());
  const auto line = daemon->ask(line_of(request));
  if (!line) return std::unexpected(line.error());
  const json answer = json::parse(*line, nullptr, false);
  if (!answer.is_object()) return std::unexpected(Failure{Exit::unreachable, "the daemon at " + socket->string() + " answers no JSON object"});
  return tell(options, answer, *line, show);
}

void add_why(CLI::App& app, Options& options) { app.add_option("--why", options.why, "kept in the history of who changed what")->type_name("TEXT"); }

}  // namespace viaduct::cli
