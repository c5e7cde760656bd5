// SPDX-License-Identifier: Apache-2.0
// STUN binding requests: the answer of RFC 5769's test vectors' addresses, errors, and hostile attributes.
#include "viaduct/net/stun.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace viaduct::net {
namespace {

using namespace std::string_literals;

const std::string cookie = "\x21\x12\xa4\x42"s;
const std::string id = "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"s;

std::string request(const std::string& attributes = {}) {
  return "\x00\x01"s + static_cast<char>(attributes.size() >> 8) + static_cast<char>(attributes.size()) + cookie + id + attributes;
}

std::string answer(const std::string& text, std::string_view source) {
  std::array<char, stun_answer_bytes_max> room;
  EXPECT_TRUE(is_stun_binding_request(text));
  return {room.data(), write_stun_answer(text, *base::Endpoint::parse(source, 0), room)};
}

TEST(Stun, AnswersWithTheAddressesOfTheTestVectors) {
  // RFC 5769 2.2 and 2.3: 192.0.2.1:32853 and [2001:db8:1234:5678:11:2233:4455:6677]:32853.
  EXPECT_EQ(answer(request(), "192.0.2.1:32853"), "\x01\x01\x00\x0c"s + cookie + id + "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"s);
  EXPECT_EQ(answer(request(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
            "\x01\x01\x00\x18"s + cookie + id + "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"s);
}

TEST(Stun, IgnoresWhatItKnowsAndWhatNeedNotBeUnderstood) {
  const std::string software =
                        "\x80\x22\x00\x03"
                        "abc\x00"s,
                    username =
                        "\x00\x06\x00\x01"
                        "u\x00\x00\x00"s,
                    fingerprint =
                        "\x80\x28\x00\x04"
                        "1234"s;
  EXPECT_EQ(answer(request(software + username + fingerprint), "192.0.2.1:1").substr(0, 2), "\x01\x01"s);
}

TEST(Stun, NamesWhatItDoesNotUnderstand) {
  const std::string priority =
                        "\x00\x24\x00\x04"
                        "1234"s,
                    odd = "\x7f\xff\x00\x00"s;
  EXPECT_EQ(answer(request(priority + odd), "192.0.2.1:1"),
            "\x01\x11\x00\x10"s + cookie + id + "\x00\x09\x00\x04\x00\x00\x04\x14\x00\x0a\x00\x04\x00\x24\x7f\xff"s);
  EXPECT_EQ(answer(request(odd), "192.0.2.1:1"), "\x01\x11\x00\x10"s + cookie + id + "\x00\x09\x00\x04\x00\x00\x04\x14\x00\x0a\x00\x02\x7f\xff\x00\x00"s);
  std::string many;
  for (int i = 0; i < 100; ++i) many += odd;
  EXPECT_LE(answer(request(many), "192.0.2.1:1").size(), stun_answer_bytes_max);
}

TEST(Stun, IsOnlyWhatItClaimsToBe) {
  EXPECT_FALSE(is_stun_binding_request(request().substr(0, 16)));
  EXPECT_FALSE(is_stun_binding_request(request() + "1234"));
  EXPECT_FALSE(is_stun_binding_request("\x01\x01"s + request().substr(2))) << "an answer";
  EXPECT_FALSE(is_stun_binding_request("\x00\x11"s + request().substr(2))) << "an indication";
  EXPECT_FALSE(is_stun_binding_request(request().replace(4, 4, "1234"))) << "no cookie";
  EXPECT_FALSE(is_stun_binding_request("REGISTER sip:example.com SIP/2.0\r\n"));
}

TEST(Stun, DropsAttributesThatDoNotFillTheRequest) {
  EXPECT_EQ(answer(request("\x00\x06\x00\x05"
                           "1234"s),
                   "192.0.2.1:1"),
            "");
  EXPECT_EQ(answer(request("\x80\x22\xff\xff"
                           "1234"s),
                   "192.0.2.1:1"),
            "");
  std::mt19937 chance(5);
  for (int round = 0; round < 10'000; ++round) {
    std::string attributes(4 * (chance() % 20), '\0');
    for (char& c : attributes) c = static_cast<char>(chance() % 4 == 0 ? chance() : 0);
    const std::string out = answer(request(attributes), "192.0.2.1:1");
    EXPECT_TRUE(out.empty() || out.size() >= 32);
  }
}

}  // namespace
}  // namespace viaduct::net
