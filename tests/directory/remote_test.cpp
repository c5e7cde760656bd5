// SPDX-License-Identifier: Apache-2.0
// PowerDNS's questions, as version 4.7 writes them, and questions that make no sense.
#include "viaduct/directory/remote.h"

#include <gtest/gtest.h>

#include "fleet.h"

namespace viaduct::directory::test {
namespace {

using nlohmann::json;

const Directory& directory() {
  static const Directory made(two_edges(), std::vector<Standing>(2), 7);
  return made;
}

json result(const json& question) { return answer_remote(directory(), question).at("result"); }
json look_up(const char* name, const char* type) {
  return result(
      {{"method", "lookup"},
       {"parameters", {{"qname", name}, {"qtype", type}, {"zone-id", -1}, {"local", "0.0.0.0"}, {"remote", "0.0.0.0"}, {"real-remote", "0.0.0.0/0"}}}});
}

TEST(Remote, AnswersALookUpOfOneTypeAndOfAll) {
  EXPECT_EQ(look_up("edge-2.example.com.", "A"), (json::array({{{"qtype", "A"}, {"qname", "edge-2.example.com."}, {"content", "192.0.2.2"}, {"ttl", 30}}})));
  EXPECT_EQ(look_up("edge-2.example.com.", "TXT"), json::array());
  EXPECT_EQ(look_up("edge-1.example.com.", "ANY").size(), 2U);
  EXPECT_EQ(look_up("EDGE-1.example.COM", "ANY").size(), 2U) << "in any case, with or without a dot";
  EXPECT_EQ(look_up("nobody.example.com.", "ANY"), json::array());
}

TEST(Remote, TellsOfANameThatOnlyHasOthersBelowIt) {
  const json rows = look_up("_udp.example.com.", "ANY");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["qtype"], "");
  EXPECT_EQ(look_up("_udp.example.com.", "SRV"), json::array());
}

TEST(Remote, TellsItsZones) {
  const json zone = {{"id", 1}, {"zone", "example.com."}, {"kind", "native"}, {"serial", 7}};
  EXPECT_EQ(result({{"method", "getAllDomains"}, {"parameters", {{"include_disabled", true}}}}), json::array({zone}));
  EXPECT_EQ(result({{"method", "getDomainInfo"}, {"parameters", {{"name", "example.com."}}}}), zone);
  EXPECT_EQ(result({{"method", "getDomainInfo"}, {"parameters", {{"name", "example.org."}}}}), false);
}

TEST(Remote, ListsAWholeZone) {
  const json rows = result({{"method", "list"}, {"parameters", {{"zonename", "example.com."}, {"domain_id", 1}}}});
  std::size_t records = 0;
  for (const auto& [name, found] : directory().names()) records += std::max<std::size_t>(1, found.size());
  EXPECT_EQ(rows.size(), records);
  EXPECT_EQ(result({{"method", "list"}, {"parameters", {{"zonename", "example.org."}, {"domain_id", -1}}}}), false);
  EXPECT_EQ(result({{"method", "list"}, {"parameters", {{"zonename", "nobody.example.com."}, {"domain_id", -1}}}}), false);
}

TEST(Remote, HasNoMetadata) {
  EXPECT_EQ(result({{"method", "initialize"}, {"parameters", {{"path", "/run/x"}}}}), true);
  EXPECT_EQ(result({{"method", "getDomainMetadata"}, {"parameters", {{"name", "example.com."}, {"kind", "ALSO-NOTIFY"}}}}), json::array());
  EXPECT_EQ(result({{"method", "getAllDomainMetadata"}, {"parameters", {{"name", "example.com."}}}}), json::object());
}

TEST(Remote, SaysFalseToWhatMakesNoSense) {
  for (const json& question :
       {json::object(), json{{"method", 7}}, json{{"method", "lookup"}}, json{{"method", "lookup"}, {"parameters", 3}},
        json{{"method", "lookup"}, {"parameters", {{"qname", 1}, {"qtype", "A"}}}}, json{{"method", "deleteTSIGKey"}}, json{{"method", "list"}}})
    EXPECT_EQ(answer_remote(directory(), question), (json{{"result", false}})) << question;
}

}  // namespace
}  // namespace viaduct::directory::test
