// SPDX-License-Identifier: Apache-2.0
// Rules in one line each, and a request's values put to them.
#pragma once
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "viaduct/screen/screener.h"

namespace viaduct::screen::test {

/// A rule, built fluently.
class Making {
 public:
  Making(std::string name, Action action, std::uint16_t status = 0) { rule_.name = std::move(name), rule_.action = action, rule_.status = status; }
  Making& user_agent(std::string regex) { return text(Field::user_agent, std::move(regex)); }
  Making& request_uri(std::string regex) { return text(Field::request_uri, std::move(regex)); }
  Making& from(std::string regex) { return text(Field::from, std::move(regex)); }
  Making& source(std::string_view prefix) { return rule_.sources.push_back(*base::Prefix::parse(prefix)), *this; }
  operator Rule() const { return rule_; }  // NOLINT: a rule is what it is for

 private:
  Making& text(Field f, std::string regex) {
    rule_.patterns[std::to_underlying(f)] = {.regex = std::move(regex), .place = "rules.toml:1: " + rule_.name};
    return *this;
  }
  Rule rule_;
};

inline std::unique_ptr<Rules> compiled(std::vector<Rule> rules, unsigned workers = 1) {
  auto out = Rules::compile(std::move(rules), workers);
  if (!out) throw std::runtime_error(out.error());
  return std::move(*out);
}

/// A request's values, and where it comes from.
struct Request {
  const char* user_agent{};   ///< null: it has none
  std::string request_uri{"sip:example.com"};
  std::string from{"<sip:alice@example.com>;tag=1"};
  base::Address source{base::Address::v4({192, 0, 2, 1})};

  [[nodiscard]] Values values() const {
    const auto& octets = source.octets();
    return {user_agent == nullptr ? std::string_view{} : std::string_view{user_agent}, request_uri, from,
            std::string_view{reinterpret_cast<const char*>(octets.data()), octets.size()}};
  }
};

inline Outcome ask(Screener& screener, const Rules& rules, const Request& request) {
  Values values = request.values();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!rules.asks(static_cast<Field>(i))) values[i] = {};
  Screener::Hashes hashes;
  screener.look(rules, values, hashes);
  return screener.decide(rules, values, hashes);
}

inline Outcome ask(const Rules& rules, const Request& request) {
  Screener screener(0, 64);
  return ask(screener, rules, request);
}

}  // namespace viaduct::screen::test
