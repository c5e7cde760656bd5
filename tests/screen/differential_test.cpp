// SPDX-License-Identifier: Apache-2.0
// Generated rules and requests: the screener, cache and all, against one std::regex search a rule.
#include <algorithm>
#include <random>
#include <regex>

#include "build.h"

namespace viaduct::screen::test {
namespace {

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }

  std::string word() {
    std::string out;
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) out += static_cast<char>('a' + below(3));
    return out;
  }
  /// Expressions that std::regex (ECMAScript) and Hyperscan (PCRE) read alike.
  std::string regex() {
    std::string out = below(4) == 0 ? "^" : "";
    for (std::size_t i = 0, n = 1 + below(3); i < n; ++i) {
      switch (below(6)) {
        case 0:
          out += std::string("[") + word() + "]+";
          break;
        case 1:
          out += std::string("(") + word() + "|" + word() + ")";
          break;
        case 2:
          out += word() + "?";
          break;
        case 3:
          out += ".";
          break;
        default:
          out += word();
      }
    }
    return below(4) == 0 ? out + "$" : out;
  }
  std::string value() {
    std::string out;
    for (std::size_t i = 0, n = below(4); i < n; ++i) out += word();
    return out;
  }
  base::Address address() {
    return base::Address::v4({10, static_cast<std::uint8_t>(below(2)), static_cast<std::uint8_t>(below(2)), static_cast<std::uint8_t>(below(4))});
  }
  Rule rule(std::size_t number) {
    constexpr std::array actions = {Action::drop,       Action::reject, Action::allow, Action::redirect_capable,
                                    Action::proxy_only, Action::tag,    Action::tag,   Action::tag};
    const Action action = actions[below(actions.size())];
    Making out(std::string("r") + std::to_string(number), action, action == Action::reject ? static_cast<std::uint16_t>(400 + number) : 0);
    const std::size_t parts = 1 + below(15);
    if ((parts & 1U) != 0) out.user_agent(regex());
    if ((parts & 2U) != 0) out.request_uri(regex());
    if ((parts & 4U) != 0) out.from(regex());
    for (std::size_t i = 0; (parts & 8U) != 0 && i <= below(3); ++i) out.source(address().text() + std::string("/") + std::to_string(20 + below(13)));
    return out;
  }

 private:
  std::mt19937 random_;
};

bool holds(const Rule& rule, const std::vector<std::optional<std::regex>>& parts, const Values& values, const base::Address& source) {
  for (std::size_t i = 0; i < texts_count; ++i)
    if (parts[i] && (values[i].data() == nullptr || !std::regex_search(values[i].begin(), values[i].end(), *parts[i]))) return false;
  return rule.sources.empty() || std::ranges::any_of(rule.sources, [&](const base::Prefix& p) { return p.contains(source); });
}

/// Rules one after the other, as the documentation says it.
class Slow {
 public:
  explicit Slow(const std::vector<Rule>& rules) : rules_(rules), hits(rules.size()) {
    for (const Rule& rule : rules) {
      auto& parts = parts_.emplace_back();
      for (const Pattern& p : rule.patterns) parts.push_back(p.regex.empty() ? std::nullopt : std::optional(std::regex(p.regex)));
    }
  }
  Outcome ask(const Request& request) {
    Outcome out;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (!holds(rules_[i], parts_[i], request.values(), request.source)) continue;
      ++hits[i];
      out.rule = static_cast<RuleIndex>(i);
      const Action action = rules_[i].action;
      if (action == Action::redirect_capable || action == Action::proxy_only)
        out.redirect_capable = action == Action::redirect_capable, out.proxy_only = action == Action::proxy_only;
      if (action == Action::drop) out.decision = Decision::drop;
      if (action == Action::reject) out.decision = Decision::reject, out.status = rules_[i].status;
      if (decides(action)) break;
    }
    return out;
  }

 private:
  const std::vector<Rule>& rules_;
  std::vector<std::vector<std::optional<std::regex>>> parts_;

 public:
  std::vector<std::uint64_t> hits;
};

std::string shown(const Outcome& o) {
  return std::to_string(std::to_underlying(o.decision)) + (o.redirect_capable ? "r" : "-") + (o.proxy_only ? "p" : "-") + std::to_string(o.status) + '/' +
         std::to_string(o.rule);
}

TEST(Differential, EachOutcomeAndEachCounterIsThatOfTheSlowWay) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    Generator g(seed);
    std::vector<Rule> list;
    for (std::size_t i = 0, n = 1 + g.below(60); i < n; ++i) list.push_back(g.rule(i));
    const auto rules = compiled(list);
    Slow slow(list);
    Screener screener(0, 32);  // few entries: values come back after they were pushed out
    for (int i = 0; i < 400; ++i) {
      const std::string user_agent = g.value();
      const Request request{.user_agent = g.below(5) == 0 ? nullptr : user_agent.c_str(), .request_uri = g.value(), .from = g.value(), .source = g.address()};
      ASSERT_EQ(shown(ask(screener, *rules, request)), shown(slow.ask(request))) << "seed " << seed << ", request " << i;
    }
    ASSERT_EQ(rules->hits(), slow.hits) << "seed " << seed;
  }
}

}  // namespace
}  // namespace viaduct::screen::test
