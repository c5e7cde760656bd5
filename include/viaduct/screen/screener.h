// SPDX-License-Identifier: Apache-2.0
// One worker's asking of the rules: values it has seen before cost a hash and a cache line, new ones a scan.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "viaduct/screen/outcome.h"
#include "viaduct/screen/rules.h"

namespace viaduct::screen {

/// The values of one request; one that is not there, or that no rule asks for, has no data. They live until it is decided.
using Values = std::array<std::string_view, fields_count>;

/// Thread: its worker's. Memory: all of it taken here.
class Screener {
 public:
  /// Shape: `entries` is rounded up to a power of two; 32 octets each.
  Screener(unsigned worker, std::size_t entries);

  /// Hashes of a request's values, between the two steps.
  using Hashes = std::array<std::uint64_t, fields_count>;
  /// First step: hash the values, and prefetch what is remembered of it.
  void look(const Rules& rules, const Values& values, Hashes& out) const {
    for (std::size_t i = 0; i < fields_count; ++i) {
      if (values[i].data() == nullptr) continue;
      out[i] = rules.hash(static_cast<Field>(i), values[i]) | taken_bit;
      __builtin_prefetch(&set_of(out[i]));
    }
  }
  /// Second step: the first rule that applies and decides, and the marks of those before it. Each that applies is counted.
  [[nodiscard]] Outcome decide(const Rules& rules, const Values& values, const Hashes& hashes) {
    // Most of what comes has been seen before and meets no rule.
    bool meets_none = true;
    for (std::size_t i = 0; i < fields_count; ++i) {
      if (values[i].data() == nullptr) continue;
      const Entry* const known = find(hashes[i]);
      meets_none &= known != nullptr && known->count == 0;
    }
    if (meets_none) [[likely]]
      return {};
    return decide_anew(rules, values, hashes);
  }

 private:
  // An entry whose hash is 0 is free.
  static constexpr std::uint64_t taken_bit = std::uint64_t{1} << 63;
  // What a value matches, when that is little; a value that matches more is scanned each time.
  static constexpr std::size_t kept_max = 11;
  struct Entry {
    std::uint64_t hash{};
    std::uint16_t count{};
    std::array<RuleIndex, kept_max> rules;
  };
  static_assert(sizeof(Entry) == 32);
  struct alignas(64) Set {
    std::array<Entry, 2> entries;   // the younger first
  };
  struct Matches {
    const RuleIndex* at{};
    const RuleIndex* end{};
  };
  using AllMatches = std::array<Matches, fields_count>;

  [[nodiscard]] Set& set_of(std::uint64_t hash) const { return sets_[hash & set_mask_]; }
  [[nodiscard]] const Entry* find(std::uint64_t hash) const {
    const auto& [younger, older] = set_of(hash).entries;
    if (younger.hash == hash) return &younger;
    return older.hash == hash ? &older : nullptr;
  }
  [[nodiscard]] Outcome decide_anew(const Rules& rules, const Values& values, const Hashes& hashes);
  [[nodiscard]] Matches scan(const Rules& rules, Field f, std::string_view value);
  void remember(std::uint64_t hash, const Matches& matches);
  [[nodiscard]] Outcome apply(const Rules& rules, AllMatches matches) const;

  unsigned worker_;
  std::size_t set_mask_;
  std::unique_ptr<Set[]> sets_;
  std::unique_ptr<std::array<std::array<RuleIndex, base::screen_rules_max>, fields_count>> scanned_;   // of the request in hand
};

}  // namespace viaduct::screen
