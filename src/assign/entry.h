// SPDX-License-Identifier: Apache-2.0
// The bits of a table entry and where a key's entry may stand: pure layout and arithmetic, no table.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "viaduct/assign/homes.h"
#include "viaduct/base/hash.h"
#include "viaduct/base/limits.h"
#include "viaduct/store/record.h"

namespace viaduct::assign {

using ClientKey = base::Hash128;

/// Entries of one line: five words, five epochs and the line's marks fill a cache line.
inline constexpr std::uint32_t entries_per_line = 5;
/// Lines that a find reads at most: the home line, its neighbour, and three further pairs. At load 0.68, the highest, one client in 20,000 finds no place in
/// them (simulated: 93.5 % home line, 4 % neighbour, 1.8 % third) and stands in the side table.
inline constexpr unsigned lines_per_find_max = 8;
static_assert(lines_per_find_max % 2 == 0, "a walk goes pair by pair");
static_assert(lines_per_find_max * entries_per_line == base::entries_per_find_max, "the bound of false tags counts what a find reads");

/// An entry's word: tag 40 | home 16 | flags 8. Tag 0 is no entry: then home 0 is free, and home 0xffff is freed but still in its grace period.
namespace word {
inline constexpr std::uint64_t pinned = 1;      ///< placed by the operator
inline constexpr std::uint64_t collided = 2;    ///< another inserted client has the same tag on its walk: the side table knows both
inline constexpr std::uint64_t freed = std::uint64_t{no_home} << 8;

inline constexpr int tag_shift = 24;
[[nodiscard]] constexpr std::uint64_t make(std::uint64_t tag, HomeIndex home, std::uint64_t flags) {
  return tag << tag_shift | std::uint64_t{home} << 8 | flags;
}
[[nodiscard]] constexpr std::uint64_t tag(std::uint64_t w) { return w >> tag_shift; }
[[nodiscard]] constexpr HomeIndex home(std::uint64_t w) { return static_cast<HomeIndex>(w >> 8); }
[[nodiscard]] constexpr bool is_free(std::uint64_t w) { return w >> 8 == 0; }
}  // namespace word

/// The one of a line's 32 marks that clients of a tag leave there when they find the line full and stand further on. So of those who have no entry
/// nearly none is looked for beyond the home line, however many passed it.
[[nodiscard]] constexpr unsigned mark_place(std::uint64_t tag) { return tag % 32; }
[[nodiscard]] constexpr std::uint32_t mark_of(std::uint64_t tag) { return std::uint32_t{1} << mark_place(tag); }

/// Entries side by side, an entry the word and the epoch of one number. Writer: the control core.
/// Orders: for a changed entry word (release), then epoch (release); a reader loads epoch (acquire), then word (acquire), so it never pairs an old
/// home with a new epoch. A new entry stands in a place that no reader can know: its epoch first, then its word (release). A mark is set before whom it
/// speaks of stands further on, and stays.
struct alignas(64) Line {
  std::array<std::atomic<std::uint64_t>, entries_per_line> words;
  std::array<std::atomic<std::uint32_t>, entries_per_line> epochs;  ///< of the last change of each entry
  std::atomic<std::uint32_t> marks;
};
static_assert(sizeof(Line) == 64);

/// What a reader learns of an entry; home is no_home when there is none.
struct Found {
  HomeIndex home{no_home};
  bool pinned{};
  std::uint32_t epoch{};
};

/// A client as reader and store know him: where his line is and what its entry keeps are in the bits of his identity.
inline constexpr unsigned line_bits = 32;
inline constexpr unsigned shard_bits_max = 10;
static_assert(shard_bits_max + line_bits <= store::high_bits, "a find of a key and one of its identity must take the same walk");
static_assert(base::entry_tag_bits == store::low_bits, "... and look for the same tag");
static_assert(shard_bits_max <= store::block_bits, "a shard is a row of whole blocks");

/// Whether batch `a` is later than `b`, in serial arithmetic.
[[nodiscard]] inline bool is_later(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

/// The 40 bits of a key that an entry keeps; 0 is reserved.
[[nodiscard]] inline std::uint64_t tag_of(const ClientKey& key) {
  const std::uint64_t tag = key.low >> (64 - base::entry_tag_bits);
  return tag == 0 ? 1 : tag;
}

/// Scale 32 uniform bits to 0..n-1, keeping their order: so a table of any size stands in key order.
[[nodiscard]] inline std::uint32_t scale(std::uint64_t bits32, std::uint32_t n) { return static_cast<std::uint32_t>((bits32 * n) >> 32); }

/// The line that a key is tried in first. `bits` are those of its high word that chose the shard.
[[nodiscard]] inline std::uint32_t home_line(const ClientKey& key, unsigned bits, std::uint32_t lines_count) {
  return scale((key.high << bits) >> (64 - line_bits), lines_count);
}

/// The lines of a key in the order in which they are tried. After the home pair they depend on the tag alone, so that clients of one tag
/// share them: whoever is inserted meets there every client that it could be mistaken for.
class Walk {
 public:
  Walk(std::uint64_t tag, std::uint32_t home_line, std::uint32_t lines_count) : tag_(tag), home_line_(home_line), pairs_count_(lines_count / 2) {}
  [[nodiscard]] std::uint32_t operator[](unsigned step) const {
    if (step < 2) return home_line_ ^ step;
    std::uint64_t x = tag_ + (step / 2) * 0x9e3779b97f4a7c15u;  // the golden ratio's bits, then one round of a multiplicative mix
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    return scale(x >> 32, pairs_count_) * 2 + step % 2;
  }

 private:
  std::uint64_t tag_;
  std::uint32_t home_line_;
  std::uint32_t pairs_count_;
};

}  // namespace viaduct::assign
