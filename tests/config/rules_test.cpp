// SPDX-License-Identifier: Apache-2.0
// Rules files: what is read, what is refused with its line, the order of the shipped and the operator's, and that the shipped ones compile.
#include "viaduct/config/rules.h"

#include <gtest/gtest.h>

#include "folder.h"
#include "viaduct/screen/rules.h"

namespace viaduct::config::test {
namespace {

const std::filesystem::path shipped_dir = std::filesystem::path(VIADUCT_SOURCE_ROOT) / "rules";

std::string refusal(std::string_view text) {
  const Folder folder;
  const auto read = read_rules(folder.write("r.toml", text));
  if (read) return "read";
  return read.error().text.substr(folder.path().string().size() + 1);
}

TEST(RulesFile, HoldsEveryPartOfARule) {
  const Folder folder;
  const auto read = read_rules(folder.write("r.toml", R"([[rule]]
name = "one"
match = { user_agent = '(?i)^x', request_uri = "y", from = "z", source = ["192.0.2.0/24", "2001:db8::/32"] }
do = "reject 603"
[[rule]]
name = "two"
match = { source = "10.0.0.0/8" }
do = "proxy-only"
)"));
  ASSERT_TRUE(read) << read.error().text;
  const screen::Rule& one = (*read)[0];
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(one.patterns[0].regex, "(?i)^x");
  EXPECT_EQ(one.patterns[1].regex, "y");
  EXPECT_EQ(one.patterns[2].regex, "z");
  EXPECT_TRUE(one.patterns[2].place.ends_with("r.toml:3: rule[0].match.from")) << one.patterns[2].place;
  EXPECT_EQ(one.sources.size(), 2U);
  EXPECT_EQ(one.action, screen::Action::reject);
  EXPECT_EQ(one.status, 603);
  EXPECT_EQ((*read)[1].action, screen::Action::proxy_only);
  EXPECT_EQ((*read)[1].file, "r.toml");
}

TEST(RulesFile, IsRefusedWithLineKeyAndRange) {
  const std::string head = "[[rule]]\nname = \"a\"\n";
  EXPECT_TRUE(refusal(head + "do = \"drop\"\n").starts_with("r.toml:1: rule[0].match: asks for nothing; allowed: ")) << refusal(head + "do = \"drop\"\n");
  EXPECT_TRUE(refusal(head + "match = { user = \"a\" }\ndo = \"drop\"\n").starts_with("r.toml:3: rule[0].match.user: unknown key"));
  EXPECT_TRUE(refusal(head + "match = { from = \"\" }\ndo = \"drop\"\n").starts_with("r.toml:3: rule[0].match.from: has 0 octets; "));
  EXPECT_TRUE(refusal(head + "match = { source = [] }\ndo = \"drop\"\n").starts_with("r.toml:3: rule[0].match.source: is empty; "));
  EXPECT_TRUE(refusal(head + "match = { source = \"1.2.3.4\" }\ndo = \"drop\"\n").starts_with("r.toml:3: rule[0].match.source: \"1.2.3.4\" is not a prefix; "));
  for (const char* wrong : {"dorp", "drop 403", "reject", "reject 200", "reject 699", "reject x", "reject 403 please", ""})
    EXPECT_TRUE(refusal(head + "match = { from = \"a\" }\ndo = \"" + wrong + "\"\n").starts_with("r.toml:4: rule[0].do: \"" + std::string(wrong))) << wrong;
  EXPECT_TRUE(refusal("[[rules]]\n").starts_with("r.toml:1: rules: unknown key, did you mean rule?"));
}

TEST(RulesFile, HasEachNameOnce) {
  const std::string rule = "[[rule]]\nname = \"a\"\nmatch = { from = \"a\" }\ndo = \"tag\"\n";
  const Folder folder;
  const auto read = read_rules(folder.write("r.toml", rule + rule));
  ASSERT_FALSE(read);
  const std::string file = (folder.path() / "r.toml").string();
  EXPECT_EQ(read.error().text,
            file + ":6: rule[1].name: \"a\" is given twice, also at " + file + ":2: rule[0].name; allowed: each name once, shipped rules included");
}

TEST(RulesOfAConfiguration, AreRefusedAtTheOperatorsRuleThatHasAShippedOnesName) {
  const Folder folder;
  Config config;
  for (const char* shipped : {"user-agents.toml", "scanners.toml"}) {
    const std::string name = read_rules(shipped_dir / shipped)->front().name;
    config.rules_file = folder.write("mine.toml", "[[rule]]\nname = \"" + name + "\"\nmatch = { from = \"a\" }\ndo = \"allow\"\n");
    const auto rules = rules_of(config, {shipped_dir});
    ASSERT_FALSE(rules);
    EXPECT_TRUE(rules.error().text.starts_with(config.rules_file.string() + ":2: rule[0].name: \"" + name + "\" is given twice, also at "))
        << rules.error().text;
    EXPECT_TRUE(rules.error().text.contains(std::string("/") + shipped + ':')) << rules.error().text;
  }
}

TEST(RulesOfAConfiguration, StandBetweenTheShippedMarksAndTheShippedScanners) {
  const Folder folder;
  Config config;
  config.rules_file = folder.write("mine.toml", "[[rule]]\nname = \"mine\"\nmatch = { from = \"a\" }\ndo = \"allow\"\n");
  const auto rules = rules_of(config, {folder.path(), shipped_dir});
  ASSERT_TRUE(rules) << rules.error().text;
  std::vector<std::string> files;
  for (const auto& rule : *rules)
    if (files.empty() || files.back() != rule.file) files.push_back(rule.file);
  EXPECT_EQ(files, (std::vector<std::string>{"user-agents.toml", "mine.toml", "scanners.toml"}));
  EXPECT_TRUE(screen::Rules::compile(*rules, 1));
}

TEST(RulesOfAConfiguration, AreRefusedWhereTheShippedOnesAreMissing) {
  const Folder folder;
  const auto rules = rules_of({}, {folder.path()});
  ASSERT_FALSE(rules);
  EXPECT_TRUE(rules.error().text.starts_with("screen.shipped: user-agents.toml is in none of ")) << rules.error().text;
  Config without;
  without.shipped_rules = false;
  EXPECT_TRUE(rules_of(without, {folder.path()})->empty());
}

}  // namespace
}  // namespace viaduct::config::test
