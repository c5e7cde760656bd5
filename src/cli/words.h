// SPDX-License-Identifier: Apache-2.0
// The command's words that concern homes and clients, and what all verbs share: options, and asking one question.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "daemon.h"
#include "explain.h"
#include "top.h"
#include "trace.h"
#include "transfer.h"

namespace viaduct::cli {

struct HomeWords {
  std::string name, address, control, zone, reg_notifier;
  std::vector<std::string> publics;
  unsigned weight{}, capacity{}, max_per_s{};
  bool local{}, viaduct{}, probe{}, watch{};
};

struct SubsWords {
  std::string aor, id, reason{"deactivated"};
  unsigned most{100}, retry_after_s{};
};

struct BindingWords {
  std::string uri;
  std::optional<std::uint32_t> expires_s;
  bool rejected{};
};

struct PlanWords {
  std::string without, mode, load_file;
  std::optional<unsigned> with_weight;
  std::optional<double> target, moves_max, rate;
  std::optional<unsigned> id;
  unsigned most{1000};
  bool force{}, watch{};
};

struct RulesWords {
  std::string file, source;
};

struct LoadWords {
  bool watch{}, clients{};
  unsigned most{20};
};

/// Whatever any verb may be given.
struct Options {
  Target target;
  bool json{};
  bool all{}, what{};
  std::string aor;
  std::string home;
  std::string why;
  bool pin{};
  unsigned vias{1};
  HomeWords home_words;
  ImportWords import;
  ExportWords exporting;
  TopOptions top;
  ExplainOptions explain;
  RulesWords rules;
  BindingWords binding;
  SubsWords subs;
  PlanWords plan;
  TraceWords trace;
  LoadWords load;
};

/// What a verb does once the words are read.
using Action = std::function<std::expected<Exit, Failure>()>;

/// JSON as one line. An AoR from the command line may hold any octets; the daemon wants UTF-8.
[[nodiscard]] std::string line_of(const nlohmann::json& value);
/// Print an answer that has come: as text, or with --json its line.
[[nodiscard]] std::expected<Exit, Failure> tell(const Options& options, const nlohmann::json& answer, const std::string& line, const Show& show);
/// Ask one question and print its answer.
[[nodiscard]] std::expected<Exit, Failure> ask(const Options& options, const nlohmann::json& request, const Show& show);

void add_why(CLI::App& app, Options& options);
void add_client_verbs(CLI::App& app, Options& options, Action& action);
void add_clients_verbs(CLI::App& app, Options& options, Action& action);
void add_rules_verbs(CLI::App& app, Options& options, Action& action);
void add_plan_verbs(CLI::App& app, Options& options, Action& action);
void add_subs_verbs(CLI::App& app, Options& options, Action& action);
void add_load_verbs(CLI::App& app, Options& options, Action& action);
void add_home_verbs(CLI::App& app, Options& options, Action& action);

}  // namespace viaduct::cli
