// SPDX-License-Identifier: Apache-2.0
// Verbs about the screening rules.
#include "answers.h"

namespace viaduct::api {

using nlohmann::json;

json rules_show(const Plant& plant, const json&) {
  json rows = json::array();
  plant.loop.call([&] {
    const screen::Rules& rules = plant.commons.rules.read();
    const auto hits = rules.hits();
    for (std::size_t i = 0; i < hits.size(); ++i) {
      const screen::Rule& rule = rules.list()[i];
      std::string action{text(rule.action)};
      if (rule.action == screen::Action::reject) action += ' ' + std::to_string(rule.status);
      rows.push_back({{"rule", rule.name}, {"do", action}, {"file", rule.file}, {"hits", hits[i]}});
    }
  });
  return {{"ok", true}, {"rules", rows}};
}

/// Thousands of expressions take seconds to compile.
Answer rules_reload(const Plant& plant, const json&, const std::string&) {
  return answering([&plant]() -> json {
    const auto done = plant.reload_rules();
    if (!done) return failure(done.error());
    return {{"ok", true}, {"rules", *done}};
  });
}

}  // namespace viaduct::api
