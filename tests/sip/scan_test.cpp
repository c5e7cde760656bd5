// SPDX-License-Identifier: Apache-2.0
// The vector code against the scalar code beside it, at every alignment and length.
#include "sip/scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "generated.h"
#include "scans.h"
#include "sip/field.h"
#include "torture.h"

namespace viaduct::sip {
namespace {

std::string random_text(std::mt19937& random, std::string_view letters, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += letters[random() % letters.size()];
  return text;
}

template <const CharClass& C>
void expect_equal_runs(std::string_view text) {
  const Reach reach{text.data(), text.data() + text.size()};
  RunEnds<C> ends(reach);
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const auto end = run_scalar<C>(text.data() + at, reach.end) - text.data();
    ASSERT_EQ(run<C>(text.data() + at, reach) - text.data(), end) << text << " at " << at;
    ASSERT_EQ(ends.run(text.data() + at) - text.data(), end) << text << " at " << at;
  }
}

TEST(Scan, VectorAndScalarRunsEndAtTheSameOctet) {
  std::mt19937 random(1);
  for (std::size_t bytes = 0; bytes < 150; ++bytes) {
    std::string text = random_text(random, "aZ09-._~", bytes);
    for (int i = 0; i < 3 && bytes != 0; ++i) text[random() % bytes] = " ;:\xc3\"\0@"[random() % 7];
    expect_equal_runs<token_octet>(text);
    expect_equal_runs<quoted_octet>(text);
    expect_equal_runs<host_octet>(text);
  }
}

TEST(Scan, AClassHasExactlyTheOctetsItWasMadeOf) {
  const std::string_view token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    EXPECT_EQ(token_octet.has(c), octet != 0 && token.find(c) != std::string_view::npos) << octet;
    EXPECT_EQ(quoted_octet.has(c), (octet >= 0x20 && octet != '"' && octet != '\\' && octet != 0x7f) || octet == '\t') << octet;
    EXPECT_EQ(visible.has(c), octet > 0x20 && octet < 0x7f) << octet;
    // The same by one vector load.
    const std::string all(32, c);
    EXPECT_EQ(others<token_octet>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(all.data()))), token_octet.has(c) ? 0U : ~0U) << octet;
    EXPECT_EQ(others<quoted_octet>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(all.data()))), quoted_octet.has(c) ? 0U : ~0U) << octet;
  }
}

TEST(Scan, VectorAndScalarLineStartsAgreeWhereNothingIsFolded) {
  std::mt19937 random(2);
  int fast_ones = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string text =
        random_text(random, round % 2 == 0 ? "aaaaaaaaaaaaaaaaaaaaaaa\r\n" : "aaaa\n\r", vector_bytes + random() % 400) + (round % 3 == 0 ? "\r\n\r\n" : "");
    LineStarts start;
    fast_ones += find_lines(text, start) != 0;
    ASSERT_EQ(ref::line_differences(text), "") << text;
  }
  EXPECT_GT(fast_ones, 500);
}

TEST(Scan, VectorAndScalarAgreeOnTortureAndMadeMessages) {
  for (const auto& message : testing::torture_messages()) EXPECT_EQ(ref::scan_differences(message.text), "") << message.name;
  testing::Generator generator(5);
  for (int i = 0; i < 500; ++i) {
    const std::string text = generator.request();
    ASSERT_EQ(ref::scan_differences(text), "") << text;
  }
}

TEST(Scan, AFoldedLineIsJoinedToTheOneBefore) {
  const std::string_view text = "start line of a message\r\nA: 1\r\n 2\r\n\t3\r\nB: 4\r\n\r\nbody\r\n";
  LineStarts start;
  const Lines lines = find_joined_lines(text, start);
  ASSERT_EQ(lines.count, 3U);
  EXPECT_EQ(text.substr(start[0], start[1] - start[0]), "A: 1\r\n 2\r\n\t3\r\n");
  EXPECT_EQ(text.substr(start[1], start[2] - start[1]), "B: 4\r\n");
  EXPECT_EQ(text.substr(lines.head_bytes), "body\r\n");
}

TEST(Scan, MoreLinesThanThereIsRoomForIsAnOverflow) {
  for (const std::size_t headers : {base::header_lines_max, base::header_lines_max + 1}) {
    std::string text = "start line of a message\r\n";
    for (std::size_t i = 0; i < headers; ++i) text += "a: b\r\n";
    LineStarts start;
    EXPECT_EQ(find_joined_lines(text + "\r\n", start).overflow, headers > base::header_lines_max) << headers;
  }
}

TEST(Scan, ShortNumbersOfEveryLengthAreRead) {
  for (const std::string_view number : {"0", "7", "10", "070", "12345", "9999999"}) {
    const std::string text = std::string{number} + "\r\nsome more octets behind";
    const ShortNumber read = short_number(word8(text.data(), 8, {text.data(), text.data() + text.size()}));
    EXPECT_EQ(read.digits, number.size());
    EXPECT_EQ(read.value, std::stoul(std::string{number}));
  }
  for (const std::string_view none : {" 1", "a1", "/1", ":1", "", "-1"}) {
    const std::string text = std::string{none} + ";;;;;;;;;;;;";
    EXPECT_EQ(short_number(word8(text.data(), 8, {text.data(), text.data() + text.size()})).digits, 0U) << none;
  }
  const std::string_view eight = "12345678 ";
  EXPECT_EQ(short_number(word8(eight.data(), 8, {eight.data(), eight.data() + eight.size()})).digits, 8U);
}

TEST(Scan, ANumberAtTheVeryEndOfWhatMayBeReadIsRead) {
  for (std::size_t bytes = 10; bytes < 30; ++bytes) {
    std::vector<char> exact(bytes, 'x');
    exact[bytes - 2] = '4';
    exact[bytes - 1] = '2';
    const char* const end = exact.data() + bytes;
    const ShortNumber read = short_number(word8(end - 2, 8, {exact.data(), end}));
    EXPECT_EQ(read.digits, 2U);
    EXPECT_EQ(read.value, 42U);
  }
}

}  // namespace
}  // namespace viaduct::sip
