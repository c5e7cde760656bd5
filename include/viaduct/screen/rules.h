// SPDX-License-Identifier: Apache-2.0
// All rules compiled: one Hyperscan database a text field, an index of prefixes, and for each worker its scratch memory and counters of hits.
#pragma once
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/base/aes_hash.h"
#include "viaduct/base/limits.h"
#include "viaduct/screen/outcome.h"
#include "viaduct/screen/rule.h"
#include "viaduct/share/counters.h"

namespace viaduct::screen {

static_assert(base::screen_rules_max < no_rule);

/// What a worker needs of a rule once it is known which parts hold.
struct Brief {
  Action action{};
  std::uint8_t parts{};      ///< fields that it asks
  std::uint16_t status{};
};

/// Thread: immutable once published, but for a worker's own scratch memory and counters, which only that worker touches (counters are read by any).
class Rules {
 public:
  /// None.
  Rules();
  ~Rules();
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  /// Compile rules, in the order in which they are asked, for so many workers. Seconds of work for thousands of expressions: never on a worker or the control core.
  /// Errors: `file:line: key: what Hyperscan says`, of the first pattern that it refuses.
  [[nodiscard]] static std::expected<std::unique_ptr<Rules>, std::string> compile(std::vector<Rule> rules, unsigned workers);

  [[nodiscard]] bool is_empty() const { return briefs_.empty(); }
  /// Whether any rule asks for that field: values of others need not be looked at.
  [[nodiscard]] bool asks(Field f) const { return (asked_ >> std::to_underlying(f) & 1U) != 0; }
  [[nodiscard]] const Brief& brief(RuleIndex i) const { return briefs_[i]; }
  [[nodiscard]] const std::vector<Rule>& list() const { return list_; }

  /// A value's hash under a key that no other compilation has: what was remembered under older rules is never found again.
  /// Shape: below 2^16 octets.
  [[nodiscard]] std::uint64_t hash(Field f, std::string_view value) const {
    return base::AesHasher(key_, value.data(), hash_label, std::to_underlying(f), value).hidden().low;
  }
  /// The rules whose part in `f` holds for a value, ascending, up to and with the first that this alone decides. Shape: out holds screen_rules_max.
  /// Thread: worker `worker`. Returns how many.
  [[nodiscard]] std::size_t match(Field f, std::string_view value, unsigned worker, std::span<RuleIndex> out) const;

  void count(RuleIndex i, unsigned worker) const { workers_[worker]->hits[i].add(1); }
  /// How often each rule has applied, of all workers.
  [[nodiscard]] std::vector<std::uint64_t> hits() const;
  /// A rule that is in `before` under the same name goes on counting where that one is. Shape: not yet published.
  void continue_from(const Rules& before);

 private:
  static constexpr std::uint32_t hash_label = 1;  // no other hash is made under this key
  struct Databases;
  struct alignas(64) PerWorker {
    void* scratch{};  // hs_scratch_t
    std::vector<share::Counter> hits;
  };
  // A prefix that a rule names; those of one length stand together, by address.
  struct Source {
    base::Prefix prefix;
    RuleIndex rule;
  };
  struct Length {
    std::uint8_t bits;
    std::size_t begin, end;  // in sources_
  };
  [[nodiscard]] std::expected<void, std::string> build_database(Field f);
  [[nodiscard]] std::expected<void, std::string> build_workers(unsigned workers);
  void build_briefs();
  void build_sources();
  [[nodiscard]] std::size_t match_source(std::string_view octets, std::span<RuleIndex> out) const;
  [[nodiscard]] std::size_t match_text(Field f, std::string_view value, unsigned worker, std::span<RuleIndex> out) const;
  [[nodiscard]] bool decides_alone(RuleIndex i) const { return briefs_[i].parts == 1 && decides(briefs_[i].action); }

  std::vector<Rule> list_;
  std::vector<Brief> briefs_;
  std::uint8_t asked_{};  // a bit a Field
  base::AesHashKey key_;
  std::unique_ptr<Databases> databases_;
  std::vector<Source> sources_;
  std::vector<Length> lengths_;
  std::vector<std::unique_ptr<PerWorker>> workers_;
  std::vector<std::uint64_t> hits_before_;
};

}  // namespace viaduct::screen
