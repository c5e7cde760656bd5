// SPDX-License-Identifier: Apache-2.0
// What etcd answers, and its rows, as texts that may be anything.
#include "etcd_json.h"

#include <gtest/gtest.h>

#include <limits>

#include "etcd_rows.h"
#include "viaduct/base/limits.h"

namespace viaduct::store::etcd {
namespace {

TEST(EtcdJson, Base64IsAllOrNothing) {
  for (const char* octets : {"", "f", "fo", "foo", "foob"}) EXPECT_EQ(octets_of(base64(octets)), octets);
  EXPECT_EQ(base64("foob"), "Zm9vYg==");  // RFC 4648 10
  const std::string zeros(3, '\0');
  EXPECT_EQ(octets_of(base64(zeros)), zeros);
  for (const char* wrong : {"Z", "Zm9", "Zm9v\n", "Zm9vY===", "====", "Zg==Zg==", "Z=9v", " Zm9v   ", "Zm9v    ", "Zm9-", "Zm9vYg=a"})
    EXPECT_FALSE(octets_of(wrong)) << wrong;
}

TEST(EtcdJson, NumbersAreDecimalAndBounded) {
  constexpr auto max = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(number_of("0", 9), 0U);
  EXPECT_EQ(number_of("9223372036854775807", max), static_cast<std::uint64_t>(max));
  for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "9223372036854775808", "18446744073709551616", "99999999999999999999999"})
    EXPECT_FALSE(number_of(wrong, max)) << wrong;
  EXPECT_EQ(number_in(json::object(), "TTL"), 0);
  EXPECT_EQ(number_in({{"TTL", "10"}}, "TTL"), 10);
  for (const json& wrong : {json("-1"), json(10), json(nullptr), json("9223372036854775808")}) EXPECT_FALSE(number_in({{"TTL", wrong}}, "TTL")) << wrong;
}

TEST(EtcdJson, ATransactionAnswersToEachThing) {
  const auto read = [](const char* text, std::size_t held, std::size_t otherwise) { return outcome_of(json::parse(text), held, otherwise); };
  const auto two = read(R"({"header":{},"succeeded":true,"responses":[{"response_put":{"header":{}}},
    {"response_range":{"header":{},"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"9","version":"3","value":"Yg==","lease":"77"}],"count":"1"}}]})",
                        2, 0);
  ASSERT_TRUE(two);
  EXPECT_TRUE(two->held);
  EXPECT_EQ(two->row(0), nullptr);
  ASSERT_NE(two->row(1), nullptr);
  EXPECT_EQ(two->row(1)->key, "a");
  EXPECT_EQ(two->row(1)->value, "b");
  EXPECT_EQ(two->row(1)->created, 2);
  EXPECT_EQ(two->row(1)->lease, 77);
  EXPECT_EQ(two->row(2), nullptr);
  EXPECT_FALSE(read(R"({"header":{}})", 2, 0)->held);
  for (const char* wrong :
       {R"([])", R"({})", R"({"header":{}})", R"({"header":{},"succeeded":"true","responses":[{}]})", R"({"header":{},"succeeded":true,"responses":{}})",
        R"({"header":{},"succeeded":true,"responses":[]})", R"({"header":{},"succeeded":true,"responses":[{},{}]})",
        R"({"header":{},"succeeded":true,"responses":[1]})", R"({"header":{},"succeeded":true,"responses":[{"response_range":1}]})",
        R"({"header":{},"succeeded":true,"responses":[{"response_range":{"kvs":1}}]})",
        R"({"header":{},"succeeded":true,"responses":[{"response_range":{"kvs":[1]}}]})",
        R"({"header":{},"succeeded":true,"responses":[{"response_range":{"kvs":[{"key":1}]}}]})",
        R"({"header":{},"succeeded":true,"responses":[{"response_range":{"kvs":[{"key":"a"}]}}]})",
        R"({"header":{},"succeeded":true,"responses":[{"response_range":{"kvs":[{"key":"YQ==","value":"Y"}]}}]})",
        R"({"header":{},"succeeded":true,"responses":[{"response_range":{"kvs":[{"key":"YQ==","lease":"99999999999999999999"}]}}]})",
        R"({"header":{},"succeeded":true,"responses":[{"response_range":{"kvs":[{"key":"YQ==","create_revision":7}]}}]})"})
    EXPECT_FALSE(read(wrong, 1, 1)) << wrong;
}

TEST(EtcdJson, AnAnswerIsAnObjectOfABoundedNumberOfValues) {
  EXPECT_TRUE(answer_of(R"({"a":{"b":[1]}})"));
  EXPECT_TRUE(answer_of("{\"a\":\"" + std::string(2U << 20, 'A') + "\"}"));
  for (const std::string& wrong : {std::string(), std::string("x"), std::string("{"), std::string("[]"), std::string("1"), std::string("{\"a\":\"\xff\"}"),
                                   "{\"a\":[" + std::string(200'000, ',') + "]}", std::string(200'000, '['), "{\"a\":[0" + [] {
                                     std::string out;
                                     for (int i = 0; i < 200'000; ++i) out += ",0";
                                     return out;
                                   }() + "]}"})
    EXPECT_FALSE(answer_of(wrong)) << wrong.substr(0, 20);
}

TEST(EtcdRows, AreNamedInTheOrderOfTheirNumbers) {
  const Keys keys("p");
  EXPECT_EQ(keys.item(7), "p/log/0000000007");
  EXPECT_EQ(keys.item(std::uint64_t{1} << 32), "p/log/4294967296");
  EXPECT_EQ(keys.part(7, "id", 12), "p/part/0000000007/id/0012");
  EXPECT_EQ(end_of(keys.items()), "p/log0");
  EXPECT_EQ(keys.number_of(keys.item(7)), 7U);
  EXPECT_EQ(keys.number_of(keys.part(7, "id", 12)), 7U);
  for (const char* wrong : {"p/log/", "p/log/x", "q/log/0000000007", "p/log/4294967296", "p/node/0000000007"}) EXPECT_FALSE(keys.number_of(wrong)) << wrong;
}

TEST(EtcdRows, AMarkIsReadAsItWasWritten) {
  const Mark mark{.log = {.low = 7, .high = 0xfedcba9876543210}, .first = 5};
  const auto read = mark_of(text_of(mark));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->log, mark.log);
  EXPECT_EQ(read->first, 5U);
  for (const char* wrong :
       {"", "{}", "[]", "1", R"({"mark":"1","first":1,"format":1})", R"({"mark":"0000000000000001000000000000000x","first":1,"format":1})",
        R"({"mark":"00000000000000010000000000000001","first":0,"format":1})", R"({"mark":"00000000000000010000000000000001","first":4294967296,"format":1})",
        R"({"mark":"00000000000000010000000000000001","first":"1","format":1})", R"({"mark":"00000000000000010000000000000001","first":1})",
        R"({"mark":1,"first":1,"format":1})", R"({"mark":"00000000000000010000000000000001","first":1,"format":0})"}) {
    const auto out = mark_of(wrong);
    ASSERT_FALSE(out) << wrong;
    EXPECT_EQ(out.error().fault, Fault::corrupt);
  }
}

TEST(EtcdRows, AnItemIsBoundToItsPlaceAndItsMaker) {
  const LogItem item{7, "octets\n"};
  const Head head = head_of(item, id_of(item.octets, "a"));
  const std::string text = text_of(head, item);
  const auto row = item_row_of(text);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->octets, item.octets);
  EXPECT_EQ(row->head.id, head.id);
  EXPECT_TRUE(is_whole(row->head, 7, item.octets));
  EXPECT_FALSE(is_whole(row->head, 8, item.octets));
  EXPECT_FALSE(is_whole(row->head, 7, "octets!"));
  EXPECT_NE(id_of(item.octets, "a"), id_of(item.octets, "b"));
  EXPECT_NE(id_of(item.octets, "a"), id_of("other", "a"));

  const LogItem large{8, std::string(part_bytes + 1, 'x')};
  const Head its = head_of(large, id_of(large.octets, "a"));
  EXPECT_EQ(its.parts, 2U);
  EXPECT_LT(text_of(its, large).size(), 200U);
  const auto line = [](const std::string& octets, const std::string& parts, const std::string& behind) {
    return R"({"checksum":"00000000","id":"x","octets":)" + octets + R"(,"parts":)" + parts + "}\n" + behind;
  };
  EXPECT_TRUE(item_row_of(line("3", "0", "abc")));
  const std::string most = std::to_string(base::shared_log_item_bytes_max), beyond = std::to_string(base::shared_log_item_bytes_max + 1);
  EXPECT_TRUE(item_row_of(line(most, "256", "")));
  for (const std::string& wrong :
       {std::string(), std::string("x"), std::string("\n"), std::string("[]\n"), line("3", "0", "ab"), line("3", "1", "abc"), line("3", "1", ""),
        line("-3", "0", ""), line("1048577", "1", ""), line("1048577", "0", ""), line(beyond, "257", ""), line("18446744073709551616", "0", "")})
    EXPECT_FALSE(item_row_of(wrong)) << wrong.substr(0, 80);
}

}  // namespace
}  // namespace viaduct::store::etcd
