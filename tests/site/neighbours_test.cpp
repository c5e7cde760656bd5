// SPDX-License-Identifier: Apache-2.0
// Who is where on the link: what is known is found, and many neighbours of one network do not stand in each other's way.
#include "viaduct/site/neighbours.h"

#include <gtest/gtest.h>

#include <set>

namespace viaduct::site {
namespace {

constexpr std::size_t many = 4096, places = 2 * many;

base::Address v4(std::size_t i) { return base::Address::v4({198, 19, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)}); }

/// In one /64, by the two octets at `at`.
base::Address v6(std::size_t i, std::size_t at) {
  std::array<std::uint8_t, 16> octets{0x20, 0x01, 0x0d, 0xb8};
  octets[at] = static_cast<std::uint8_t>(i >> 8U);
  octets[at + 1] = static_cast<std::uint8_t>(i);
  return base::Address::v6(octets);
}

/// How many places so many addresses have between them, of twice as many: by chance four in five of them have one of their own.
std::size_t distinct(auto address) {
  std::set<std::uint64_t> out;
  for (std::size_t i = 0; i < many; ++i) out.insert(hash_of(address(i)) & (places - 1));
  return out.size();
}

TEST(Neighbours, OfOneNetworkHavePlacesOfTheirOwn) {
  EXPECT_GT(distinct(v4), many * 7 / 10);
  for (const std::size_t at : {2U, 6U, 8U, 11U, 14U}) EXPECT_GT(distinct([&](std::size_t i) { return v6(i, at); }), many * 7 / 10) << "octet " << at;
}

TEST(Neighbours, AreFoundByAddressAndLink) {
  Neighbours::Known known;
  for (std::size_t i = 0; i < many; ++i)
    known.emplace_back(LinkAddress{.address = v4(i), .link = {i % 2, 0}},
                       net::Mac{2, 0, 0, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)});
  const Neighbours n(known, Routes{});
  for (const auto& [at, mac] : known) {
    ASSERT_NE(n.find(at.address, at.link), nullptr);
    EXPECT_EQ(*n.find(at.address, at.link), mac);
    EXPECT_EQ(n.find(at.address, {7, 0}), nullptr);
  }
  EXPECT_EQ(n.find(v4(many), {0, 0}), nullptr);
}

}  // namespace
}  // namespace viaduct::site
