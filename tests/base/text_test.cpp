// SPDX-License-Identifier: Apache-2.0
// Short texts copied and compared, at every length about a vector's, against the library, with nothing touched that may not be.
#include "viaduct/base/text.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace viaduct::base {
namespace {

constexpr std::size_t lengths = 140;

std::string random_text(std::mt19937& chance, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>('a' + chance() % 26);
  return out;
}

/// A copy of exactly its size on the heap, where AddressSanitizer guards both ends.
std::unique_ptr<char[]> exact(std::string_view text) {
  std::unique_ptr<char[]> out(new char[text.size()]);
  text.copy(out.get(), text.size());
  return out;
}

TEST(Text, IsCopiedExactly) {
  std::mt19937 chance(1);
  for (std::size_t bytes = 0; bytes < lengths; ++bytes) {
    const std::string text = random_text(chance, bytes);
    const auto from = exact(text);
    std::string out(bytes + 64, '@');
    EXPECT_EQ(copy_text(out.data() + 32, {from.get(), bytes}), out.data() + 32 + bytes);
    EXPECT_EQ(out, std::string(32, '@') + text + std::string(32, '@'));
  }
}

TEST(Text, IsCopiedLooselyWithinItsBounds) {
  std::mt19937 chance(2);
  for (std::size_t bytes = 0; bytes < 3 * lengths; ++bytes) {
    const std::string text = random_text(chance, bytes + loose_bytes);
    const auto from = exact(text);
    const auto out = exact(std::string(bytes + loose_bytes, '@'));
    EXPECT_EQ(copy_loosely(out.get(), from.get(), bytes), out.get() + bytes);
    EXPECT_EQ(std::string_view(out.get(), bytes), std::string_view(text).substr(0, bytes));
  }
}

TEST(Text, IsMovedOverItself) {
  std::mt19937 chance(4);
  for (std::size_t bytes = 0; bytes < 2 * lengths; ++bytes) {
    for (std::size_t shift = 0; shift <= 150; ++shift) {
      const std::string before = random_text(chance, bytes + 150);
      for (const bool leftwards : {true, false}) {
        const std::size_t from = leftwards ? shift : 0, to = leftwards ? 0 : shift;
        std::string out = before, expected = before;
        expected.replace(to, bytes, before.substr(from, bytes));
        EXPECT_EQ(move_text(out.data() + to, {out.data() + from, bytes}), out.data() + to + bytes);
        ASSERT_EQ(out, expected) << bytes << " by " << shift;
      }
    }
  }
}

TEST(Text, IsEqualOnlyToItself) {
  std::mt19937 chance(3);
  for (std::size_t bytes = 0; bytes < lengths; ++bytes) {
    const std::string text = random_text(chance, bytes);
    const auto a = exact(text), b = exact(text);
    EXPECT_TRUE(equal_text({a.get(), bytes}, {b.get(), bytes}));
    EXPECT_FALSE(equal_text({a.get(), bytes}, text + "x"));
    for (std::size_t i = 0; i < bytes; ++i) {
      b[i] ^= 0x20;
      EXPECT_FALSE(equal_text({a.get(), bytes}, {b.get(), bytes})) << bytes << " at " << i;
      b[i] ^= 0x20;
    }
  }
}

}  // namespace
}  // namespace viaduct::base
