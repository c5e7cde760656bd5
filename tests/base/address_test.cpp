// SPDX-License-Identifier: Apache-2.0
// Addresses, endpoints and prefixes as text, with the system's own functions as the judge.
#include "viaduct/base/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace viaduct::base {
namespace {

std::optional<Address> judge_parse(const std::string& text) {
  std::array<std::uint8_t, 4> four;
  if (inet_pton(AF_INET, text.c_str(), four.data()) == 1) return Address::v4(four);
  std::array<std::uint8_t, 16> sixteen;
  if (inet_pton(AF_INET6, text.c_str(), sixteen.data()) == 1) return Address::v6(sixteen);
  return std::nullopt;
}

Address parsed(std::string_view text) {
  const auto address = Address::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(Address{});
}

TEST(Address, PrintsEveryOctetOfDottedDecimal) {
  for (unsigned value = 0; value < 256; ++value) {
    const auto octet = static_cast<std::uint8_t>(value);
    const auto other = static_cast<std::uint8_t>(255 - value);
    const std::string n = std::to_string(value);
    EXPECT_EQ(Address::v4({octet, other, octet, octet}).text(), n + '.' + std::to_string(255 - value) + '.' + n + '.' + n);
  }
}

TEST(Address, PrintsTheLongestZeroRunShort) {
  const std::pair<const char*, const char*> table[] = {
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"1:0:0:0:0:0:0:0", "1::"},
      {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},      // RFC 5952 4.2.3: the first of equal runs
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},   // RFC 5952 4.2.2: one group is no run
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},            // RFC 5952 4.2.3: the longest
      {"2001:0db8::0001", "2001:db8::1"},                 // RFC 5952 4.1, 4.2.1
      {"fe80:0:0:0:ABCD:0:0:0", "fe80::abcd:0:0:0"},      // RFC 5952 4.3
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"::ffff:192.0.2.1", "192.0.2.1"},                  // held as the IPv4 address that it is
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(parsed(in).text(), out);
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.",
                           ".1.2.3",
                           "1..2.3",
                           "256.1.1.1",
                           "01.2.3.4",
                           "1.2.3.04",
                           "00.0.0.0",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "+1.2.3.4",
                           "1.2.3.-4",
                           "0x1.2.3.4",
                           ":",
                           ":::",
                           "1:",
                           ":1",
                           "1::2::3",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4::5:6:7:8",
                           "12345::",
                           "g::",
                           "1:2:3:4:5:6:7:",
                           "::1.2.3",
                           "::01.2.3.4",
                           "1.2.3.4::",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "[::1]",
                           "fe80::1%eth0",
                           "::-1",
                           "host"})
    EXPECT_FALSE(Address::parse(text)) << text;
}

/// A text that looks like an address: mostly right, often spoilt in one place.
std::string random_text(std::mt19937& random) {
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::array<char, 64> out;
  std::array<std::uint8_t, 16> octets{};
  for (auto& octet : octets) octet = static_cast<std::uint8_t>(below(3) == 0 ? random() : 0);
  const bool four = below(3) == 0;
  inet_ntop(four ? AF_INET : AF_INET6, octets.data(), out.data(), out.size());
  std::string text = out.data();
  constexpr std::string_view letters = ":.0123456789abfF:g";
  for (unsigned spoil = below(3); spoil > 0 && !text.empty(); --spoil) {
    const std::size_t at = below(static_cast<unsigned>(text.size()));
    const char letter = letters[below(letters.size())];
    switch (below(3)) {
      case 0:
        text[at] = letter;
        break;
      case 1:
        text.insert(at, 1, letter);
        break;
      default:
        text.erase(at, 1);
    }
  }
  return text;
}

TEST(Address, ParsesWhatTheSystemParsesAndNothingElse) {
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string text = random_text(random);
    const std::string_view flush(text);
    ASSERT_EQ(Address::parse(flush), judge_parse(text)) << text;
    accepted += judge_parse(text).has_value();
  }
  EXPECT_GT(accepted, 20'000);
}

TEST(Address, PrintsWhatTheSystemPrints) {
  std::mt19937 random(2);
  for (int i = 0; i < 100'000; ++i) {
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t k = 0; k < 16; k += 2)
      if (random() % 2 == 0) octets[k] = static_cast<std::uint8_t>(random()), octets[k + 1] = static_cast<std::uint8_t>(random());
    if (octets[0] == 0 && octets[1] == 0) octets[0] = 0x20;  // the system writes ::/96 with dots
    std::array<char, 64> expected;
    inet_ntop(AF_INET6, octets.data(), expected.data(), expected.size());
    ASSERT_EQ(Address::v6(octets).text(), expected.data());
    ASSERT_EQ(Address::parse(expected.data()), Address::v6(octets));
  }
}

TEST(Address, ReadsNothingBehindItsText) {
  const std::string text = "10.0.0.12:5060";
  EXPECT_EQ(Address::parse(std::string_view(text).substr(0, 8)), Address::v4({10, 0, 0, 1}));
}

TEST(Address, KnowsItsFamily) {
  EXPECT_TRUE(parsed("1.2.3.4").is_v4());
  EXPECT_TRUE(parsed("::ffff:1.2.3.4").is_v4());
  EXPECT_FALSE(parsed("::1.2.3.4").is_v4());
  EXPECT_FALSE(parsed("1::ffff:1.2.3.4").is_v4());
  EXPECT_FALSE(parsed("::fffe:1.2.3.4").is_v4());
  EXPECT_EQ(parsed("1.2.3.4").v4_wire(), inet_addr("1.2.3.4"));
  EXPECT_TRUE(Address{}.is_unset());
  EXPECT_FALSE(parsed("0.0.0.0").is_unset());
}

TEST(Address, NamesPlacesNeverToSendTo) {
  for (const char* text : {"224.0.0.1", "239.255.255.255", "255.255.255.255", "0.0.0.0", "::", "ff02::1"})
    EXPECT_TRUE(parsed(text).is_unusable_destination()) << text;
  for (const char* text : {"223.255.255.255", "240.0.0.1", "127.0.0.1", "10.0.0.255", "::1", "fe80::1", "2001:db8::1"})
    EXPECT_FALSE(parsed(text).is_unusable_destination()) << text;
}

TEST(Endpoint, ParsesAndPrintsBothFamilies) {
  EXPECT_EQ(Endpoint::parse("1.2.3.4:5070", 5060), (Endpoint{parsed("1.2.3.4"), 5070}));
  EXPECT_EQ(Endpoint::parse("1.2.3.4", 5060), (Endpoint{parsed("1.2.3.4"), 5060}));
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:5070", 5060), (Endpoint{parsed("2001:db8::1"), 5070}));
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]", 5060), (Endpoint{parsed("2001:db8::1"), 5060}));
  EXPECT_EQ((Endpoint{parsed("1.2.3.4"), 5070}).text(), "1.2.3.4:5070");
  EXPECT_EQ((Endpoint{parsed("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535}).text(), "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

TEST(Endpoint, RefusesWhatIsNoEndpoint) {
  for (const char* text : {"", ":5060", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:05060", "1.2.3.4:5060x", "1.2.3.4:+1", "2001:db8::1", "[2001:db8::1",
                           "[2001:db8::1]5060", "[1.2.3.4]:5060", "[]:5060", "host:5060"})
    EXPECT_FALSE(Endpoint::parse(text, 5060)) << text;
}

TEST(Prefix, ContainsItsAddressesOnly) {
  const auto ten = Prefix::parse("10.0.0.0/8");
  ASSERT_TRUE(ten);
  EXPECT_EQ(ten->bits, 104);
  EXPECT_TRUE(ten->contains(parsed("10.255.0.1")));
  EXPECT_FALSE(ten->contains(parsed("11.0.0.0")));
  EXPECT_FALSE(ten->contains(parsed("::10.0.0.1")));
  const auto odd = Prefix::parse("2001:db8:8000::/33");
  ASSERT_TRUE(odd);
  EXPECT_TRUE(odd->contains(parsed("2001:db8:ffff::1")));
  EXPECT_FALSE(odd->contains(parsed("2001:db8:7fff::1")));
  EXPECT_TRUE(Prefix::parse("0.0.0.0/0")->contains(parsed("255.1.2.3")));
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(parsed("2001:db8::1")));
  EXPECT_TRUE(Prefix::parse("192.0.2.1/32")->contains(parsed("192.0.2.1")));
  EXPECT_FALSE(Prefix::parse("192.0.2.1/32")->contains(parsed("192.0.2.0")));
}

TEST(Prefix, OfIpv6HoldsNoIpv4Address) {
  for (const char* text : {"::/0", "::/1", "::/64", "::/65", "::/80", "::fffe:0:0/95"}) {
    EXPECT_FALSE(Prefix::parse(text)->contains(parsed("192.0.2.1"))) << text;
    EXPECT_EQ(Prefix::parse(text)->contains(parsed("::1")), std::string_view(text) != "::fffe:0:0/95") << text;
  }
  EXPECT_TRUE(Prefix::parse("::/0")->contains(parsed("ffff::1")));
  EXPECT_TRUE(Prefix::parse("::fffe:0:0/95")->contains(parsed("::fffe:1:1")));
  EXPECT_TRUE(Prefix::parse("::/0")->is_whole() && Prefix::parse("0.0.0.0/0")->is_whole());
  EXPECT_FALSE(Prefix::parse("::/1")->is_whole() || Prefix::parse("::/96")->is_whole() || Prefix::parse("0.0.0.0/1")->is_whole());
}

TEST(Prefix, DropsTheBitsBehindIt) {
  EXPECT_EQ(Prefix::parse("10.1.2.3/8")->text(), "10.0.0.0/8");
  EXPECT_EQ(Prefix::parse("10.1.2.255/31")->text(), "10.1.2.254/31");
  EXPECT_EQ(Prefix::parse("2001:db8:ffff::1/33")->text(), "2001:db8:8000::/33");
  EXPECT_EQ(Prefix::parse("::ffff:1.2.3.4/64")->text(), "::/64");
  EXPECT_EQ(Prefix::parse("::1/128")->text(), "::1/128");
}

TEST(Prefix, RefusesWhatIsNoPrefix) {
  for (const char* text : {"", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "::/129", "/8", "10.0.0/8"})
    EXPECT_FALSE(Prefix::parse(text)) << text;
}

}  // namespace
}  // namespace viaduct::base
