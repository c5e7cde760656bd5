// SPDX-License-Identifier: Apache-2.0
// A rules file: [[rule]] name, match, do.
#include "viaduct/config/rules.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "sections.h"
#include "values.h"
#include "viaduct/base/limits.h"
#include "viaduct/sip/reply.h"

namespace viaduct::config {
namespace {

using screen::Action;
using screen::Rule;

constexpr std::size_t rule_name_bytes_max = 64;
constexpr std::array text_keys = {std::string_view{"user_agent"}, std::string_view{"request_uri"}, std::string_view{"from"}};   // by screen::Field
constexpr std::string_view do_text =
    R"("drop", "reject CODE", "allow", "redirect-capable", "proxy-only" or "tag"; CODE one that this node has a phrase for, 400 to 699)";
const std::string regex_text = "a regular expression of 1 to " + std::to_string(base::screen_pattern_bytes_max) + " octets";

std::string text_of(const Place& place) { return place.file->string() + ':' + std::to_string(place.line) + ": " + place.key; }

screen::Pattern read_pattern(const Table& match, std::string_view key) {
  const auto item = match.item(key, regex_text);
  if (!item) return {};
  if (item->text.empty() || item->text.size() > base::screen_pattern_bytes_max)
    item->refuse("has " + std::to_string(item->text.size()) + " octets", regex_text);
  // Hyperscan takes C strings.
  if (item->text.find('\0') != item->text.npos) item->refuse("has a NUL in it", regex_text + R"(; write \x00)");
  return {.regex = item->text, .place = text_of(item->place)};
}

/// `drop`, or `reject 403`.
void read_do(const Item& item, Rule& rule) {
  const auto space = item.text.find(' ');
  const std::string_view word = std::string_view{item.text}.substr(0, space);
  const auto known = std::ranges::find(screen::action_texts, word);
  if (known == screen::action_texts.end()) item.refuse_text("is not known", do_text);
  rule.action = static_cast<Action>(known - screen::action_texts.begin());
  const std::string_view code = space == item.text.npos ? std::string_view{} : std::string_view{item.text}.substr(space + 1);
  if (rule.action != Action::reject && space != item.text.npos) item.refuse_text("has more than a word", do_text);
  if (rule.action != Action::reject) return;
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), rule.status);
  const bool reads = !code.empty() && error == std::errc{} && end == code.data() + code.size();
  if (!reads || rule.status < 400 || !sip::has_status_line(rule.status)) item.refuse_text("names no status", do_text);
}

Rule read_rule(const Table& table) {
  table.only({"name", "match", "do"});
  Rule rule;
  rule.name = label(table.required_item("name", label_text(rule_name_bytes_max)), rule_name_bytes_max);
  const Table match = table.child("match");
  match.only({"user_agent", "request_uri", "from", "source"});
  if (match.keys().empty()) table.place("match").refuse("asks for nothing", "at least one of user_agent, request_uri, from, source");
  for (std::size_t i = 0; i < text_keys.size(); ++i) rule.patterns[i] = read_pattern(match, text_keys[i]);
  rule.sources = prefixes(match.items("source", prefix_text));
  if (match.has("source") && rule.sources.empty()) match.place("source").refuse("is empty", "one or more of " + std::string{prefix_text});
  read_do(table.required_item("do", do_text), rule);
  return rule;
}

std::vector<Rule> read_file(const std::filesystem::path& file) {
  const Document document{file};
  document.root().only({"rule"});
  std::vector<Rule> out;
  for (const Table& table : document.root().children("rule")) {
    if (out.size() == base::screen_rules_max) table.place("name").refuse("is one rule too many", "up to " + std::to_string(base::screen_rules_max) + " rules");
    Rule& rule = out.emplace_back(read_rule(table));
    rule.file = file.filename();
  }
  return out;
}

std::filesystem::path shipped(const std::string& name, const std::vector<std::filesystem::path>& rules_dirs) {
  std::string looked;
  for (const auto& dir : rules_dirs) {
    std::error_code failure;
    if (std::filesystem::is_regular_file(dir / name, failure)) return dir / name;
    looked += (looked.empty() ? "" : ", ") + dir.string();
  }
  throw Refused{"screen.shipped: " + name + " is in none of " + looked + "; allowed: an installation that has it, or shipped = false"};
}

void append(std::vector<Rule>& all, std::vector<Rule> more) {
  std::unordered_set<std::string> names;
  for (const Rule& rule : all) names.insert(rule.name);
  for (Rule& rule : more) {
    if (!names.insert(rule.name).second)
      throw Refused{rule.file + ": rule \"" + rule.name + "\" stands twice; allowed: each name once, shipped rules included"};
    all.push_back(std::move(rule));
  }
  if (all.size() > base::screen_rules_max)
    throw Refused{std::to_string(all.size()) + " rules in all; allowed: up to " + std::to_string(base::screen_rules_max)};
}

}  // namespace

void read_screen(const Table& screen, Config& config) {
  screen.only({"rules", "shipped", "cache_entries"});
  if (const auto file = screen.item("rules", "a TOML file of [[rule]]")) config.rules_file = from_folder_of(config.file, file->text);
  config.shipped_rules = screen.flag("shipped", true);
  config.screen_cache_entries = screen.number<std::size_t>("cache_entries", {1024, 16'777'216}, 16'384);
}

std::expected<std::vector<Rule>, Error> read_rules(const std::filesystem::path& file) {
  try {
    std::vector<Rule> out;
    append(out, read_file(file));
    return out;
  } catch (const Refused& refused) {
    return std::unexpected(Error{refused.text});
  }
}

std::expected<std::vector<Rule>, Error> rules_of(const Config& config, const std::vector<std::filesystem::path>& rules_dirs) {
  try {
    std::vector<Rule> out;
    if (config.shipped_rules) append(out, read_file(shipped("user-agents.toml", rules_dirs)));
    if (!config.rules_file.empty()) append(out, read_file(config.rules_file));
    if (config.shipped_rules) append(out, read_file(shipped("scanners.toml", rules_dirs)));
    return out;
  } catch (const Refused& refused) {
    return std::unexpected(Error{refused.text});
  }
}

}  // namespace viaduct::config
