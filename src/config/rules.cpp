// SPDX-License-Identifier: Apache-2.0
// A rules file: [[rule]] name, match, do.
#include "viaduct/config/rules.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

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

/// A rule, and where its name stands.
struct Named {
  Rule rule;
  std::string place;   // file:line: key
  bool is_shipped{};
};

void read_file(const std::filesystem::path& file, bool is_shipped, std::vector<Named>& out) {
  const Document document{file};
  document.root().only({"rule"});
  for (const Table& table : document.root().children("rule")) {
    if (out.size() == base::screen_rules_max) table.place("name").refuse("is one rule too many", "up to " + std::to_string(base::screen_rules_max) + " rules");
    Named& next = out.emplace_back(read_rule(table), text_of(table.place("name")), is_shipped);
    next.rule.file = file.filename();
  }
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

/// The rules in order. Of two with one name the operator's is the one to change, and the later one of two of his.
std::vector<Rule> joined(std::vector<Named> all) {
  std::unordered_map<std::string, const Named*> known;
  for (const Named& next : all) {
    const auto [at, is_new] = known.emplace(next.rule.name, &next);
    if (is_new) continue;
    const auto [wrong, other] = next.is_shipped ? std::pair(at->second, &next) : std::pair(&next, at->second);
    throw Refused{wrong->place + ": \"" + wrong->rule.name + "\" is given twice, also at " + other->place +
                  "; allowed: each name once, shipped rules included"};
  }
  std::vector<Rule> out;
  for (Named& next : all) out.push_back(std::move(next.rule));
  return out;
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
    std::vector<Named> all;
    read_file(file, false, all);
    return joined(std::move(all));
  } catch (const Refused& refused) {
    return std::unexpected(Error{refused.text});
  }
}

std::expected<std::vector<Rule>, Error> rules_of(const Config& config, const std::vector<std::filesystem::path>& rules_dirs) {
  try {
    std::vector<Named> all;
    if (config.shipped_rules) read_file(shipped("user-agents.toml", rules_dirs), true, all);
    if (!config.rules_file.empty()) read_file(config.rules_file, false, all);
    if (config.shipped_rules) read_file(shipped("scanners.toml", rules_dirs), true, all);
    return joined(std::move(all));
  } catch (const Refused& refused) {
    return std::unexpected(Error{refused.text});
  }
}

}  // namespace viaduct::config
