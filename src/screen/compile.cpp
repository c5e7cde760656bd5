// SPDX-License-Identifier: Apache-2.0
// Rules to databases, indices and memory for each worker. Nothing of this runs while packets wait.
#include <sys/random.h>

#include <algorithm>
#include <tuple>

#include "databases.h"
#include "viaduct/base/check.h"

namespace viaduct::screen {
namespace {

// A value may be empty or folded over lines; one report of an expression is enough.
constexpr unsigned pattern_flags = HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY | HS_FLAG_DOTALL;

std::uint8_t bit(Field f) { return static_cast<std::uint8_t>(1U << std::to_underlying(f)); }

/// The arguments of hs_compile_multi for one field.
struct Expressions {
  std::vector<const char*> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;   // rule indices
};

Expressions expressions_of(const std::vector<Rule>& rules, Field f) {
  Expressions out;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string& regex = rules[i].patterns[std::to_underlying(f)].regex;
    if (regex.empty()) continue;
    out.texts.push_back(regex.c_str());
    out.ids.push_back(static_cast<unsigned>(i));
  }
  out.flags.assign(out.texts.size(), pattern_flags);
  return out;
}

base::Key128 random_key() {
  base::Key128 key{};
  base::check(getrandom(key.data(), key.size(), 0) == static_cast<ssize_t>(key.size()), "random octets from the system");
  return key;
}

}  // namespace

Rules::Rules() : key_(random_key()), databases_(std::make_unique<Databases>()) {}
Rules::~Rules() = default;

std::expected<std::unique_ptr<Rules>, std::string> Rules::compile(std::vector<Rule> rules, unsigned workers) {
  base::check(rules.size() <= base::screen_rules_max, "who reads rules has counted them");
  auto out = std::make_unique<Rules>();
  out->list_ = std::move(rules);
  out->build_briefs();
  out->build_sources();
  for (const Field f : {Field::user_agent, Field::request_uri, Field::from})
    if (const auto built = out->build_database(f); !built) return std::unexpected(built.error());
  if (const auto built = out->build_workers(workers); !built) return std::unexpected(built.error());
  out->hits_before_.resize(out->list_.size());
  return out;
}

void Rules::build_briefs() {
  for (const Rule& rule : list_) {
    Brief brief{.action = rule.action, .parts = 0, .status = rule.status};
    for (const Field f : {Field::user_agent, Field::request_uri, Field::from, Field::source}) {
      const bool is_part = f == Field::source ? !rule.sources.empty() : !rule.patterns[std::to_underlying(f)].regex.empty();
      if (!is_part) continue;
      ++brief.parts;
      asked_ |= bit(f);
    }
    base::check(brief.parts > 0, "a rule asks for something");
    briefs_.push_back(brief);
  }
}

void Rules::build_sources() {
  for (std::size_t i = 0; i < list_.size(); ++i)
    for (const base::Prefix& prefix : list_[i].sources) sources_.push_back({prefix, static_cast<RuleIndex>(i)});
  std::ranges::sort(sources_, {}, [](const Source& s) { return std::tuple(s.prefix.bits, s.prefix.address, s.rule); });
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (lengths_.empty() || lengths_.back().bits != sources_[i].prefix.bits) lengths_.push_back({sources_[i].prefix.bits, i, i});
    lengths_.back().end = i + 1;
  }
}

std::expected<void, std::string> Rules::build_database(Field f) {
  const Expressions wanted = expressions_of(list_, f);
  if (wanted.texts.empty()) return {};
  hs_database_t* database = nullptr;
  hs_compile_error_t* raw_error = nullptr;
  const auto count = static_cast<unsigned>(wanted.texts.size());
  hs_compile_multi(wanted.texts.data(), wanted.flags.data(), wanted.ids.data(), count, HS_MODE_BLOCK, nullptr, &database, &raw_error);
  const std::unique_ptr<hs_compile_error_t, FreeError> error(raw_error);
  databases_->texts[std::to_underlying(f)].reset(database);
  if (!error) return {};
  // A fault of no expression in particular is told at the first.
  const std::size_t culprit = error->expression < 0 ? wanted.ids.front() : wanted.ids[static_cast<std::size_t>(error->expression)];
  const Pattern& pattern = list_[culprit].patterns[std::to_underlying(f)];
  return std::unexpected(pattern.place + ": \"" + pattern.regex + "\" does not compile: " + error->message);
}

std::expected<void, std::string> Rules::build_workers(unsigned workers) {
  hs_scratch_t* first = nullptr;
  for (const auto& database : databases_->texts)
    if (database && hs_alloc_scratch(database.get(), &first) != HS_SUCCESS) return std::unexpected("no memory for the rules' scratch space");
  const Scratch pattern(first);
  for (unsigned i = 0; i < workers; ++i) {
    hs_scratch_t* own = nullptr;
    if (first != nullptr && hs_clone_scratch(first, &own) != HS_SUCCESS) return std::unexpected("no memory for the rules' scratch space");
    databases_->scratches.emplace_back(own);
    workers_.push_back(std::make_unique<PerWorker>());
    workers_.back()->hits = std::vector<share::Counter>(list_.size());
  }
  return {};
}

std::vector<std::uint64_t> Rules::hits() const {
  std::vector<std::uint64_t> out = hits_before_;
  for (const auto& worker : workers_)
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += worker->hits[i].get();
  return out;
}

void Rules::continue_from(const Rules& before) {
  const auto hits = before.hits();
  for (std::size_t i = 0; i < before.list_.size(); ++i) {
    const auto same = std::ranges::find(list_, before.list_[i].name, &Rule::name);
    if (same != list_.end()) hits_before_[static_cast<std::size_t>(same - list_.begin())] = hits[i];
  }
}

}  // namespace viaduct::screen
