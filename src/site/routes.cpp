// SPDX-License-Identifier: Apache-2.0
// Prefixes laid out as ranges: they nest or are apart, so that a stack of those that are open says who has what lies between two ends.
#include "viaduct/site/routes.h"

#include <algorithm>

namespace viaduct::site {

struct Routes::Span {
  base::Address first, last;
  std::uint32_t way{};
};

namespace {

// All bits behind the prefix set.
base::Address last_of(const base::Prefix& p) {
  std::array<std::uint8_t, 16> octets = p.address.octets();
  for (std::size_t bit = p.bits; bit < 128; ++bit) octets[bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
  return base::Address::v6(octets);
}

std::uint32_t after(std::uint32_t key) { return key + 1; }
std::array<std::uint64_t, 2> after(const std::array<std::uint64_t, 2>& key) { return {key[0] + (key[1] + 1 == 0 ? 1 : 0), key[1] + 1}; }

}  // namespace

// Of two that begin at one place the inner stays, which comes later.
template <typename Key>
void Routes::Ranges<Key>::begin(const Key& start, std::uint32_t way) {
  if (!starts.empty() && starts.back() == start) {
    ways.back() = way;
    return;
  }
  starts.push_back(start);
  ways.push_back(way);
}

template <typename Key>
void Routes::lay_out(const std::vector<Span>& spans, Key (*key)(const base::Address&), Ranges<Key>& out) {
  std::vector<const Span*> open;
  out.begin(Key{}, nowhere);
  // The innermost that ends is followed by the one around it; behind the last address there is nothing.
  const auto close = [&] {
    const Key next = after(key(open.back()->last));
    open.pop_back();
    if (next != Key{}) out.begin(next, open.empty() ? std::uint32_t{nowhere} : open.back()->way);
  };
  for (const Span& s : spans) {
    while (!open.empty() && open.back()->last < s.first) close();
    out.begin(key(s.first), s.way);
    open.push_back(&s);
  }
  while (!open.empty()) close();
}

Routes::Routes(std::vector<Route> routes) : ways_(1) {
  const auto goes_before = [](const Route& a, const Route& b) { return a.to.address != b.to.address ? a.to.address < b.to.address : a.to.bits < b.to.bits; };
  const auto is_same = [](const Route& a, const Route& b) { return a.to.address == b.to.address && a.to.bits == b.to.bits; };
  std::ranges::stable_sort(routes, goes_before);
  const auto repeated = std::ranges::unique(routes, is_same);
  routes.erase(repeated.begin(), repeated.end());
  std::vector<Span> v4, v6;
  for (const Route& r : routes) {
    const Way way{.via = r.via, .link = r.link, .is_direct = r.via.is_unset()};
    if (ways_.back() != way) ways_.push_back(way);
    const Span span{.first = r.to.address, .last = last_of(r.to), .way = static_cast<std::uint32_t>(ways_.size() - 1)};
    (r.to.bits >= 96 && r.to.address.is_v4() ? v4 : v6).push_back(span);
  }
  lay_out(v4, v4_key, v4_);
  lay_out(v6, v6_key, v6_);
}

}  // namespace viaduct::site
