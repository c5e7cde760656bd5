// SPDX-License-Identifier: Apache-2.0
// Which rules a value meets: a Hyperscan scan of a text, a walk over prefix lengths for a source.
#include <algorithm>
#include <bit>

#include "databases.h"

namespace viaduct::screen {
namespace {

struct Found {
  RuleIndex* at;
};

// Hyperscan reports each expression once (HS_FLAG_SINGLEMATCH), so that a list of all rules has room.
int on_match(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
  *static_cast<Found*>(context)->at++ = static_cast<RuleIndex>(id);
  return 0;
}

base::Address masked(const base::Address& address, std::uint8_t bits) {
  const auto words = address.words();
  const auto mask = [](unsigned kept) { return kept == 0 ? 0 : std::byteswap(~std::uint64_t{0} << (64 - kept)); };
  const std::array<std::uint64_t, 2> out = {words[0] & mask(std::min<unsigned>(bits, 64)), words[1] & mask(bits > 64 ? bits - 64U : 0)};
  return base::Address::v6(std::bit_cast<std::array<std::uint8_t, 16>>(out));
}

}  // namespace

std::size_t Rules::match(Field f, std::string_view value, unsigned worker, std::span<RuleIndex> out) const {
  const std::size_t count = f == Field::source ? match_source(value, out) : match_text(f, value, worker, out);
  std::sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t i = 0; i < count; ++i)
    if (decides_alone(out[i])) return i + 1;
  return count;
}

std::size_t Rules::match_text(Field f, std::string_view value, unsigned worker, std::span<RuleIndex> out) const {
  Found found{out.data()};
  hs_scan(databases_->texts[std::to_underlying(f)].get(), value.data(), static_cast<unsigned>(value.size()), 0, databases_->scratches[worker].get(), on_match,
          &found);
  return static_cast<std::size_t>(found.at - out.data());
}

// A rule may name several prefixes that hold one address: it is listed once.
std::size_t Rules::match_source(std::string_view octets, std::span<RuleIndex> out) const {
  std::array<std::uint8_t, 16> raw;
  std::copy_n(octets.data(), raw.size(), raw.begin());
  const base::Address address = base::Address::v6(raw);
  std::size_t count = 0;
  for (const Length& length : lengths_) {
    if (length.bits < base::v4_prefix_bits && address.is_v4()) continue;
    const base::Address wanted = masked(address, length.bits);
    const auto* const begin = sources_.data() + length.begin;
    const auto* const end = sources_.data() + length.end;
    for (const auto* s = std::ranges::lower_bound(begin, end, wanted, {}, [](const Source& x) { return x.prefix.address; });
         s != end && s->prefix.address == wanted; ++s)
      if (std::find(out.data(), out.data() + count, s->rule) == out.data() + count) out[count++] = s->rule;
  }
  return count;
}

}  // namespace viaduct::screen
