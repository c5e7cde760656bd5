// SPDX-License-Identifier: Apache-2.0
// The three ways to carry out edits, against a plain string, in buffers of exactly the allowed room.
#include "viaduct/sip/edit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>

namespace viaduct::sip {
namespace {

/// The slow obvious form.
std::string reference(const Edits& edits, std::string_view message) {
  std::string out(message);
  for (std::size_t i = edits.list().size(); i-- > 0;) {
    const Edit& edit = edits.list()[i];
    out.replace(edit.offset, edit.cut, edits.text(edit));
  }
  return out;
}

/// A buffer of exactly `bytes` on the heap, so that the address sanitizer sees each octet outside, with a rim that plain builds can check too.
class Room {
 public:
  explicit Room(std::size_t bytes) : bytes_(bytes), all_(std::make_unique<char[]>(bytes + 2 * rim)) { std::memset(all_.get(), '#', bytes + 2 * rim); }
  [[nodiscard]] char* begin() { return all_.get() + rim; }
  void expect_rim_untouched() const {
    const auto untouched = [](char c) { return c == '#'; };
    EXPECT_TRUE(std::all_of(all_.get(), all_.get() + rim, untouched));
    EXPECT_TRUE(std::all_of(all_.get() + rim + bytes_, all_.get() + bytes_ + 2 * rim, untouched));
  }

 private:
#ifdef __SANITIZE_ADDRESS__
  static constexpr std::size_t rim = 0;
#else
  static constexpr std::size_t rim = 64;
#endif
  std::size_t bytes_;
  std::unique_ptr<char[]> all_;
};

void expect_all_three_apply(const Edits& edits, const std::string& message) {
  const std::string expected = reference(edits, message);
  ASSERT_EQ(static_cast<int>(expected.size()) - static_cast<int>(message.size()), edits.growth());
  const std::size_t room_bytes = std::max(expected.size(), message.size());

  Room front(room_bytes);
  std::memcpy(front.begin() + room_bytes - message.size(), message.data(), message.size());
  char* const start = apply_at_front(edits, {front.begin() + room_bytes - message.size(), message.size()});
  ASSERT_EQ(std::string_view(start, expected.size()), expected);
  ASSERT_EQ(start + expected.size(), front.begin() + room_bytes);
  front.expect_rim_untouched();

  Room back(room_bytes);
  std::memcpy(back.begin(), message.data(), message.size());
  ASSERT_EQ(apply_at_back(edits, {back.begin(), message.size()}), expected.size());
  ASSERT_EQ(std::string_view(back.begin(), expected.size()), expected);
  back.expect_rim_untouched();

  Room other(expected.size());
  ASSERT_EQ(apply_to(edits, message, {other.begin(), expected.size()}), expected.size());
  ASSERT_EQ(std::string_view(other.begin(), expected.size()), expected);
  other.expect_rim_untouched();
}

std::string letters(std::mt19937& random, std::size_t bytes) {
  std::string out(bytes, ' ');
  for (char& c : out) c = static_cast<char>('a' + random() % 26);
  return out;
}

TEST(Edits, AgreeWithAPlainStringOnRandomPlans) {
  std::mt19937 random(1);
  for (int round = 0; round < 50'000; ++round) {
    const std::string message = letters(random, random() % 200);
    Edits edits;
    std::size_t offset = 0;
    for (std::size_t n = random() % (edits_max + 1); n > 0 && offset <= message.size(); --n) {
      offset += random() % 30;
      if (offset > message.size()) break;
      const std::size_t cut = random() % 2 == 0 ? 0 : random() % (std::min<std::size_t>(message.size() - offset, 40) + 1);
      edits.add(offset, cut, letters(random, random() % 3 == 0 ? 0 : random() % 50));
      offset += cut;
    }
    ASSERT_NO_FATAL_FAILURE(expect_all_three_apply(edits, message));
  }
}

TEST(Edits, ChangeNothingWhenEmpty) {
  Edits edits;
  EXPECT_EQ(edits.growth(), 0);
  expect_all_three_apply(edits, "OPTIONS sip:a SIP/2.0\r\n\r\n");
}

TEST(Edits, CanReplaceTheWholeMessage) {
  Edits edits;
  edits.add(0, 5, "a longer text");
  expect_all_three_apply(edits, "short");
  edits.clear();
  edits.add(0, 5, "");
  expect_all_three_apply(edits, "short");
}

TEST(Edits, InsertAtBothEnds) {
  Edits edits;
  edits.add(0, 0, "front-");
  edits.add(5, 0, "-back");
  expect_all_three_apply(edits, "short");
}

TEST(Edits, KeepsNeighboursAsOne) {
  Edits edits;
  edits.add(4, 2, "ab");
  edits.add(6, 0, "cd");
  edits.add(6, 1, "e");
  ASSERT_EQ(edits.list().size(), 1u);
  EXPECT_EQ(edits.text(edits.list()[0]), "abcde");
  EXPECT_EQ(edits.list()[0].cut, 3);
  EXPECT_EQ(edits.growth(), 2);
}

TEST(Edits, HoldTheirLimitAndNotOneMore) {
  Edits edits;
  for (std::size_t i = 0; i < edits_max; ++i) edits.add(10 * i, 1, "x");
  EXPECT_FALSE(edits.overflow());
  expect_all_three_apply(edits, std::string(300, '.'));
  edits.add(10 * edits_max, 1, "x");
  EXPECT_TRUE(edits.overflow());
  edits.clear();
  EXPECT_FALSE(edits.overflow());
  edits.add(0, 0, std::string(edit_text_bytes_max, 'y'));
  EXPECT_FALSE(edits.overflow());
  edits.add(3, 1, "");
  EXPECT_FALSE(edits.overflow());
  expect_all_three_apply(edits, "message");
  edits.add(5, 0, "z");
  EXPECT_TRUE(edits.overflow());
}

TEST(EditsDeathTest, StopOnABrokenPlan) {
  Edits edits;
  edits.add(4, 2, "");
  EXPECT_DEATH(edits.add(5, 1, ""), "ascending order");
  std::string message = "short";
  EXPECT_DEATH((void)apply_at_back(edits, std::span(message)), "for this message");
  edits.add(9, 0, std::string(edit_text_bytes_max + 1, 'y'));
  EXPECT_DEATH((void)apply_at_back(edits, std::span(message)), "not void");
}

}  // namespace
}  // namespace viaduct::sip
