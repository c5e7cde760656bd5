// SPDX-License-Identifier: Apache-2.0
// Words to requests: rules.
#include "show.h"
#include "words.h"

namespace viaduct::cli {
namespace {

std::vector<std::string> test_words(const Options& options) {
  std::vector<std::string> words{"--test-rules", options.rules.file};
  if (!options.rules.source.empty()) words.insert(words.end(), {"--source", options.rules.source});
  if (options.json) words.emplace_back("--json");
  return words;
}

}  // namespace

void add_rules_verbs(CLI::App& app, Options& options, Action& action) {
  auto* rules = app.add_subcommand("rules", "the screening rules: what each does and how often it has");
  const auto show = [&options, &action] { action = [&options] { return ask(options, {{"verb", "rules"}}, show_rules); }; };
  rules->callback([rules, show] {
    if (rules->get_subcommands().empty()) show();
  });
  rules->add_subcommand("show", "name, action, hits")->callback(show);
  rules->add_subcommand("reload", "read the rules' files again; a bad rule changes nothing")->callback([&options, &action] {
    action = [&options] { return ask(options, {{"verb", "rules.reload"}}, show_rules_reload); };
  });
  auto* test = rules->add_subcommand("test", "what a file of rules decides about messages on standard input, parted by lines of --; offline");
  test->add_option("FILE", options.rules.file, "a rules file")->required();
  test->add_option("--source", options.rules.source, "where the messages come from")->type_name("ADDRESS");
  test->callback([&options, &action] {
    action = [&options]() -> std::expected<Exit, Failure> { return std::unexpected(become_daemon(options.explain.called_as, test_words(options))); };
  });
}

}  // namespace viaduct::cli
