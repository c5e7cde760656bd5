// SPDX-License-Identifier: Apache-2.0
// The output cursor at the end of its room.
#include "viaduct/base/append.h"

#include <gtest/gtest.h>

#include <array>

namespace viaduct::base {
namespace {

TEST(Append, WritesTextCharactersAndNumbersInOrder) {
  std::array<char, 32> room;
  Append out(room);
  out << "expires=" << std::uint64_t{3600} << ';' << "q";
  EXPECT_EQ(out.text(), "expires=3600;q");
  EXPECT_FALSE(out.overflow());
}

TEST(Append, FillsItsRoomToTheLastOctet) {
  std::array<char, 4> room;
  Append out(room);
  out << "ab" << std::uint64_t{42};
  EXPECT_EQ(out.text(), "ab42");
  EXPECT_FALSE(out.overflow());
}

TEST(Append, RemembersAnOverflowAndWritesNothingBeyondTheRoom) {
  std::array<char, 5> room{'-', '-', '-', '-', '-'};
  Append out{std::span<char>(room).first(4)};
  out << "abc" << "de";
  EXPECT_TRUE(out.overflow());
  EXPECT_EQ(out.text(), "abc");
  EXPECT_EQ(room[3], '-');
  out << std::uint64_t{10};
  EXPECT_EQ(room[4], '-');
  EXPECT_TRUE(out.overflow());
}

}  // namespace
}  // namespace viaduct::base
