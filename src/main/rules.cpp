// SPDX-License-Identifier: Apache-2.0
// Reading and compiling rules; messages from standard input through the stage that workers use.
#include "rules.h"

#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "viaduct/config/rules.h"
#include "viaduct/edge/rehearse.h"

namespace viaduct {
namespace {

using nlohmann::json;

constexpr std::size_t test_cache_entries = 1024;

std::expected<std::unique_ptr<screen::Rules>, std::string> compile(const std::expected<std::vector<screen::Rule>, config::Error>& read, unsigned workers) {
  if (!read) return std::unexpected(read.error().text);
  return screen::Rules::compile(*read, workers);
}

/// The octets before the next line `--`, which is taken away with them. A message that was typed has bare line ends, and may lack the empty line.
std::string next_message(std::string_view& rest) {
  std::string out;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    if (line == "--" || line == "--\n" || line == "--\r\n") break;
    out += line;
  }
  if (out.find("\n\n") == out.npos && out.find("\r\n\r\n") == out.npos) out += out.ends_with('\n') ? "\r\n" : "\r\n\r\n";
  return out;
}

std::string_view word(const edge::Screened& s) {
  if (!s.is_asked) return "not asked";
  switch (s.outcome.decision) {
    case screen::Decision::drop:
      return "drop";
    case screen::Decision::reject:
      return "reject";
    case screen::Decision::none:
      return "pass";
  }
  return "";
}

json told(const edge::Screened& s, const screen::Rules& rules, std::size_t number) {
  json out = {{"message", number}, {"result", word(s)}};
  if (s.outcome.decision == screen::Decision::reject) out["status"] = s.outcome.status;
  if (s.outcome.rule != screen::no_rule) out["rule"] = rules.list()[s.outcome.rule].name;
  if (s.outcome.redirect_capable) out["mark"] = text(screen::Action::redirect_capable);
  if (s.outcome.proxy_only) out["mark"] = text(screen::Action::proxy_only);
  return out;
}

void print(const json& row, bool as_json) {
  if (as_json) {
    std::puts(row.dump().c_str());
    return;
  }
  std::string line = "message " + row["message"].dump() + ": " + row["result"].get<std::string>();
  if (row.contains("status")) line += ' ' + row["status"].dump();
  if (row.contains("mark")) line += ", marked " + row["mark"].get<std::string>();
  if (row.contains("rule")) line += ", rule " + row["rule"].get<std::string>();
  std::puts(line.c_str());
}

}  // namespace

std::expected<std::unique_ptr<screen::Rules>, std::string> compile_rules(const config::Config& config, unsigned workers,
                                                                         const std::vector<std::filesystem::path>& rules_dirs) {
  return compile(config::rules_of(config, rules_dirs), workers);
}

int test_rules(const RulesTest& test) {
  const auto rules = compile(config::read_rules(test.file), 1);
  if (!rules) return std::fprintf(stderr, "%s\n", rules.error().c_str()), wrong_use;
  const auto source = base::Address::parse(test.source);
  if (!source) return std::fprintf(stderr, "--source: \"%s\" is not an address\n", test.source.c_str()), wrong_use;
  const std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  screen::Screener screener(0, test_cache_entries);
  std::string_view rest = input;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string message = next_message(rest);
    print(told(edge::rehearse_screening(message, *source, **rules, screener), **rules, number), test.as_json);
  }
  return 0;
}

}  // namespace viaduct
