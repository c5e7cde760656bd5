// SPDX-License-Identifier: Apache-2.0
// The fleet's log in etcd, with real servers.
#include "viaduct/store/etcd.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <csignal>

#include "etcd_json.h"
#include "etcd_rows.h"
#include "etcd_servers.h"

namespace viaduct::store {
namespace {

using etcd::json;
using test::Between;
using test::comes;
using test::Servers;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr base::Hash128 mark{.low = 7, .high = 0xfedcba9876543210}, another_mark{.low = 8, .high = 1};

std::unique_ptr<SharedLog> log_of(std::vector<base::Endpoint> endpoints, const std::string& prefix, const std::string& node = "a") {
  auto out = open_etcd({.endpoints = std::move(endpoints), .prefix = prefix, .node = node, .ca = {}, .certificate = {}, .key = {}});
  EXPECT_TRUE(out) << out.error().text;
  return out ? std::move(*out) : nullptr;
}

/// One server for most tests, each below a prefix of its own.
class Etcd : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    servers = std::make_unique<Servers>(1);
    const auto log = log_of(servers->endpoints(), "x");
    ASSERT_TRUE(comes([&] { return log->read(0).has_value(); }));
  }
  static void TearDownTestSuite() { servers.reset(); }

  [[nodiscard]] std::string prefix() const { return testing::UnitTest::GetInstance()->current_test_info()->name(); }
  [[nodiscard]] std::unique_ptr<SharedLog> log(const std::string& node = "a") const { return log_of(servers->endpoints(), prefix(), node); }
  [[nodiscard]] etcd::Keys keys() const { return etcd::Keys(prefix()); }

  /// What etcd's own client would do.
  static json ask(const char* target, const json& request) {
    httplib::Client client("127.0.0.1", servers->endpoints().front().port);
    const auto answer = client.Post(target, request.dump(), "application/json");
    EXPECT_TRUE(answer && answer->status == 200) << target;
    return answer ? json::parse(answer->body, nullptr, false) : json();
  }
  static void set(const std::string& key, std::string_view value) { ask("/v3/kv/put", etcd::put(key, value).at("requestPut")); }
  static void erase(const std::string& key) { ask("/v3/kv/deleterange", {{"key", etcd::base64(key)}}); }
  static std::vector<etcd::Row> rows(const std::string& beginning) {
    const auto out = etcd::outcome_of(ask("/v3/kv/txn", {{"success", json::array({etcd::get_range(beginning, etcd::end_of(beginning), 0)})}}), 1, 0);
    EXPECT_TRUE(out);
    return out ? out->rows[0] : std::vector<etcd::Row>();
  }
  /// As if their time had run out.
  static void revoke(std::int64_t lease) { ask("/v3/lease/revoke", {{"ID", std::to_string(lease)}}); }

  static std::unique_ptr<Servers> servers;
};
std::unique_ptr<Servers> Etcd::servers;

Tail read(SharedLog& log, std::uint32_t after) {
  const auto out = log.read(after);
  EXPECT_TRUE(out && *out) << (out ? "no log" : out.error().text);
  return out && *out ? **out : Tail();
}
Fault fault_of(const auto& result) {
  EXPECT_FALSE(result);
  return result ? Fault::failed : result.error().fault;
}
std::string fault_text(SharedLog& log) {
  const auto out = log.read(0);
  return out ? "none" : out.error().text;
}
void append(SharedLog& log, std::uint32_t number, const std::string& octets) {
  const auto out = log.append({number, octets}, false);
  ASSERT_TRUE(out) << out.error().text;
  ASSERT_EQ(*out, Appended::done) << number;
}
std::string large(std::size_t bytes) {
  std::string out(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(i * 2654435761U >> 13);
  return out;
}

TEST_F(Etcd, IsFoundedOnceAndReadFromItsFirstNumberOn) {
  const auto a = log("a"), b = log("b");
  const auto none = a->read(0);
  ASSERT_TRUE(none) << none.error().text;
  EXPECT_FALSE(*none);
  EXPECT_EQ(fault_of(a->append({1, "x"}, false)), Fault::failed);
  EXPECT_TRUE(a->found(mark, 5).value());
  EXPECT_FALSE(b->found(another_mark, 1).value());
  EXPECT_TRUE(a->found(mark, 5).value()) << "asked again after an answer that was lost";
  const Tail tail = read(*b, 4);
  EXPECT_EQ(tail.mark, mark);
  EXPECT_EQ(tail.first, 5U);
  EXPECT_EQ(tail.last, 4U);
  EXPECT_TRUE(tail.items.empty());
  EXPECT_TRUE(tail.nodes.empty());
  EXPECT_EQ(tail.leader, "");
}

TEST_F(Etcd, KeepsChangesInOrderWithoutGaps) {
  const auto a = log("a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  const std::string octets("\0\n\xff{\"", 5);
  append(*a, 1, octets);
  append(*b, 2, "");
  EXPECT_EQ(fault_of(a->append({4, "x"}, false)), Fault::failed);
  EXPECT_EQ(a->append({2, "x"}, false).value(), Appended::overtaken);
  for (std::uint32_t i = 3; i <= 20; ++i) append(*a, i, std::to_string(i));
  const Tail tail = read(*b, 0);
  EXPECT_EQ(tail.first, 1U);
  EXPECT_EQ(tail.last, 20U);
  ASSERT_EQ(tail.items.size(), 16U);
  EXPECT_EQ(tail.items[0].octets, octets);
  EXPECT_EQ(tail.items[1].octets, "");
  for (std::uint32_t i = 0; i < 16; ++i) EXPECT_EQ(tail.items[i].number, i + 1);
  EXPECT_EQ(read(*b, 16).items.size(), 4U);
  EXPECT_EQ(read(*b, 19).items.at(0).octets, "20");
  for (const std::uint32_t after : {20U, 21U, 0xffffffffU}) EXPECT_TRUE(read(*b, after).items.empty()) << after;
}

TEST_F(Etcd, ItsMarkIsThatOfTheLogThatWasRead) {
  const auto a = log("a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  append(*a, 1, "x");
  EXPECT_EQ(read(*b, 0).last, 1U);
  erase(keys().mark());
  EXPECT_FALSE(b->read(0).value());
  EXPECT_EQ(fault_of(b->append({2, "y"}, false)), Fault::failed);
  ASSERT_TRUE(log("c")->found(another_mark, 2).value());
  EXPECT_EQ(fault_of(b->append({2, "y"}, false)), Fault::failed) << "what was made for one log does not go into another";
  const Tail tail = read(*b, 0);
  EXPECT_EQ(tail.mark, another_mark);
  EXPECT_EQ(tail.first, 2U) << "nothing is left of the other one";
  append(*b, 2, "y");
}

TEST_F(Etcd, LargeItemsStandInParts) {
  const auto a = log("a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  append(*a, 1, "small");
  for (const std::size_t bytes : {etcd::inline_bytes_max, etcd::inline_bytes_max + 1, etcd::part_bytes, etcd::part_bytes + 1, 5 * etcd::part_bytes}) {
    const std::uint32_t number = read(*a, 0).last + 1;
    append(*a, number, large(bytes));
    EXPECT_EQ(rows(keys().parts(std::uint64_t{number})).size(), bytes == etcd::inline_bytes_max ? 0 : (bytes + etcd::part_bytes - 1) / etcd::part_bytes);
    EXPECT_EQ(read(*b, number - 1).items.at(0).octets, large(bytes));
  }
  EXPECT_EQ(read(*b, 0).items.size(), 6U);
  append(*a, 7, large(5 * etcd::part_bytes));
  EXPECT_EQ(read(*b, 0).items.size(), 6U) << "the rest is for another call";
  EXPECT_EQ(read(*b, 6).items.size(), 1U);
  // Who comes late writes no part.
  EXPECT_EQ(b->append({7, large(etcd::part_bytes)}, false).value(), Appended::overtaken);
  EXPECT_EQ(rows(keys().parts(std::uint64_t{7})).size(), 5U);
  EXPECT_EQ(a->append({7, large(5 * etcd::part_bytes)}, false).value(), Appended::done) << "it was this one";
}

TEST_F(Etcd, TellsWhatIsDamaged) {
  const auto a = log();
  ASSERT_TRUE(a->found(mark, 1).value());
  append(*a, 1, "small");
  append(*a, 2, large(2 * etcd::part_bytes));
  const etcd::Row part = rows(keys().parts(std::uint64_t{2})).at(1);
  std::string broken = part.value;
  broken[77] ^= 1;
  set(part.key, broken);
  EXPECT_EQ(fault_of(a->read(1)), Fault::corrupt);
  set(part.key, part.value + 'x');
  EXPECT_EQ(fault_of(a->read(1)), Fault::corrupt);
  erase(part.key);
  EXPECT_EQ(fault_of(a->read(1)), Fault::corrupt);
  set(part.key, part.value);
  EXPECT_EQ(read(*a, 1).items.size(), 1U);

  const auto damaged = [&](const std::string& key, const std::string& value) {
    const std::string before = rows(key).at(0).value;
    set(key, value);
    EXPECT_EQ(fault_of(a->read(0)), Fault::corrupt) << key << ' ' << value;
    set(key, before);
  };
  const std::string row = rows(keys().item(1)).at(0).value;
  damaged(keys().item(1), row.substr(0, row.size() - 1));
  damaged(keys().item(1), row.substr(0, row.size() - 1) + 'L');
  damaged(keys().item(1), "small");
  damaged(keys().item(2), row);
  for (const char* last : {"", "x", "-1", "3", "0", "4294967296", "99999999999999999999"}) damaged(keys().last(), last);
  damaged(keys().mark(), "{}");
  const std::string second = rows(keys().item(2)).at(0).value;
  erase(keys().item(2));
  EXPECT_EQ(fault_of(a->read(1)), Fault::corrupt);
  set(keys().item(2), second);
  set(keys().mark(), R"({"mark":"00000000000000010000000000000001","first":1,"format":2})");
  EXPECT_EQ(fault_of(a->read(0)), Fault::format);
}

TEST_F(Etcd, ForgetsWhatIsOldButNeverTheLast) {
  const auto a = log("a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  ASSERT_TRUE(a->trim(10)) << "there is nothing yet";
  for (std::uint32_t i = 1; i <= 300; ++i) append(*a, i, i == 2 ? large(3 * etcd::part_bytes) : std::to_string(i));
  // What a node left that died before it had made its item.
  set(keys().part(2, "another", 0), "x");
  set(keys().part(300, "another", 0), "x");
  ASSERT_TRUE(a->trim(2));
  EXPECT_EQ(read(*b, 0).first, 2U);
  EXPECT_TRUE(read(*b, 0).items.empty()) << "the next one is gone";
  EXPECT_EQ(rows(keys().parts()).size(), 5U);
  ASSERT_TRUE(a->trim(3));
  EXPECT_EQ(read(*b, 0).first, 3U);
  EXPECT_EQ(rows(keys().parts()).size(), 1U) << "the parts went with it, also those that nobody wants";
  ASSERT_TRUE(a->trim(3));
  EXPECT_EQ(read(*b, 2).items.size(), 16U);
  ASSERT_TRUE(a->trim(0xffffffff));
  EXPECT_EQ(read(*b, 0).first, 259U) << "so many a call";
  ASSERT_TRUE(a->trim(0xffffffff));
  EXPECT_EQ(read(*b, 0).first, 300U);
  ASSERT_TRUE(a->trim(0xffffffff));
  const Tail tail = read(*b, 299);
  EXPECT_EQ(tail.first, 300U);
  EXPECT_EQ(tail.items.at(0).octets, "300");
  EXPECT_EQ(rows(keys().parts()).size(), 1U);
}

TEST_F(Etcd, TrimsByPartsToo) {
  const auto a = log();
  ASSERT_TRUE(a->found(mark, 1).value());
  for (std::uint32_t i = 1; i <= 4; ++i) append(*a, i, "x");
  for (const std::uint32_t number : {1U, 2U})
    for (std::uint32_t i = 0; i < (number == 1 ? 600U : 100U); ++i) set(keys().part(number, "another", i), "x");
  ASSERT_TRUE(a->trim(4));
  EXPECT_EQ(read(*a, 0).first, 2U) << "one, however many it has";
  ASSERT_TRUE(a->trim(4));
  EXPECT_EQ(read(*a, 0).first, 4U);
  EXPECT_TRUE(rows(keys().parts()).empty());
}

TEST_F(Etcd, NodesAttendAndOneLeads) {
  const auto a = log("a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  EXPECT_FALSE(a->lead().value()) << "it does not attend";
  ASSERT_TRUE(b->attend("I am b"));
  ASSERT_TRUE(a->attend("I am a"));
  EXPECT_EQ(read(*a, 0).nodes, (std::vector<Attendant>{{"a", "I am a"}, {"b", "I am b"}}));
  ASSERT_TRUE(a->attend("still a"));
  ASSERT_TRUE(a->attend("still a"));
  EXPECT_EQ(read(*b, 0).nodes.at(0).says, "still a");
  EXPECT_EQ(fault_of(a->attend(std::string(5000, 'a'))), Fault::failed);

  EXPECT_EQ(a->append({1, "x"}, true).value(), Appended::not_leading);
  EXPECT_TRUE(a->lead().value());
  EXPECT_TRUE(a->lead().value());
  EXPECT_FALSE(b->lead().value());
  EXPECT_EQ(read(*b, 0).leader, "a");
  EXPECT_EQ(a->append({1, "x"}, true).value(), Appended::done);
  EXPECT_EQ(b->append({2, "y"}, true).value(), Appended::not_leading);
  EXPECT_EQ(b->append({2, large(2 * etcd::part_bytes)}, true).value(), Appended::not_leading);
  EXPECT_TRUE(rows(keys().parts()).empty());
  EXPECT_EQ(b->append({1, "y"}, true).value(), Appended::overtaken);
  append(*b, 2, "y");

  a->leave();
  const Tail tail = read(*b, 2);
  EXPECT_EQ(tail.nodes, (std::vector<Attendant>{{"b", "I am b"}}));
  EXPECT_EQ(tail.leader, "");
  EXPECT_EQ(a->append({3, "x"}, true).value(), Appended::not_leading);
  EXPECT_FALSE(a->lead().value());
  EXPECT_TRUE(b->lead().value());
  ASSERT_TRUE(a->attend("again"));
  EXPECT_FALSE(a->lead().value());
  EXPECT_EQ(b->append({3, "z"}, true).value(), Appended::done);
}

TEST_F(Etcd, WhoHasReservedTheLogIsOvertakenByNobody) {
  const auto a = log("a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  EXPECT_FALSE(a->reserve().value()) << "it does not attend";
  ASSERT_TRUE(a->attend("a") && b->attend("b"));
  EXPECT_TRUE(a->reserve().value());
  EXPECT_TRUE(a->reserve().value());
  EXPECT_FALSE(b->reserve().value());
  EXPECT_EQ(b->append({1, "y"}, false).value(), Appended::reserved);
  EXPECT_EQ(b->append({1, large(2 * etcd::part_bytes)}, false).value(), Appended::reserved);
  append(*a, 1, "x");
  EXPECT_EQ(b->append({1, "y"}, false).value(), Appended::overtaken) << "its number is taken in any case";
  EXPECT_EQ(b->append({2, "y"}, false).value(), Appended::reserved);
  b->release();
  EXPECT_EQ(b->append({2, "y"}, false).value(), Appended::reserved) << "it was not its own";
  a->release();
  append(*b, 2, "y");
  append(*a, 3, "x");

  // It ends with the lease. Who had it begins anew.
  EXPECT_TRUE(a->reserve().value());
  revoke(rows(keys().reserved()).at(0).lease);
  append(*b, 4, "y");
  EXPECT_EQ(a->append({5, "x"}, false).value(), Appended::overtaken);
  ASSERT_TRUE(a->attend("a"));
  EXPECT_TRUE(a->reserve().value());
  append(*a, 5, "x");
  a->leave();
  append(*b, 6, "y");
}

TEST_F(Etcd, AReservationThatCouldNotBeGivenBackIsGivenBackByAttending) {
  Between between(servers->endpoints().front());
  const auto a = log_of({between.endpoint()}, prefix(), "a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  ASSERT_TRUE(a->attend("a") && b->attend("b"));
  ASSERT_TRUE(a->reserve().value());
  between.set(Between::Does::hangs);
  a->release();
  between.set(Between::Does::passes);
  EXPECT_EQ(b->append({1, "y"}, false).value(), Appended::reserved);
  ASSERT_TRUE(comes([&] { return a->attend("a").has_value(); }));
  append(*b, 1, "y");
}

TEST_F(Etcd, ALargeChangeKeepsNobodyFromAttending) {
  const auto a = log();
  ASSERT_TRUE(a->found(mark, 1).value());
  ASSERT_TRUE(a->attend("a"));
  std::atomic<bool> is_done{};
  std::thread appending([&] {
    append(*a, 1, large(32 * etcd::part_bytes));
    is_done = true;
  });
  unsigned attended = 0;
  for (; !is_done; ++attended) {
    const auto begun = steady_clock::now();
    EXPECT_TRUE(a->attend("a"));
    EXPECT_LE(steady_clock::now() - begun, 1s);
  }
  EXPECT_GE(attended, 5U);
  appending.join();
}

TEST_F(Etcd, WhoLosesItsLeaseLosesItsLead) {
  const auto a = log("a"), b = log("b");
  ASSERT_TRUE(a->found(mark, 1).value());
  ASSERT_TRUE(a->attend("a") && b->attend("b"));
  ASSERT_TRUE(a->lead().value());
  append(*a, 1, "x");
  revoke(rows(keys().leader()).at(0).lease);
  EXPECT_TRUE(b->lead().value());
  EXPECT_EQ(a->append({2, "x"}, true).value(), Appended::not_leading);
  EXPECT_EQ(a->append({1, "x"}, true).value(), Appended::done) << "that one was made while it led";
  EXPECT_FALSE(a->lead().value()) << "its lease is over";
  ASSERT_TRUE(a->attend("a"));
  EXPECT_EQ(read(*b, 0).nodes.size(), 2U);
  EXPECT_FALSE(a->lead().value());
  b->leave();
  // The lead is its own again, by another lease: what it did not know of is not its own.
  EXPECT_EQ(a->append({2, "x"}, true).value(), Appended::not_leading);
  EXPECT_TRUE(a->lead().value());
  EXPECT_EQ(a->append({2, "x"}, true).value(), Appended::done);
}

TEST_F(Etcd, OneProcessOfAName) {
  const auto b = log("b");
  ASSERT_TRUE(b->found(mark, 1).value());
  ASSERT_TRUE(b->attend("b"));
  auto died = log("a");
  ASSERT_TRUE(died->attend("first") && died->lead().value());
  const auto attended = steady_clock::now();
  const auto again = log("a");
  const auto refused = again->attend("second");
  EXPECT_EQ(fault_of(refused), Fault::in_use);
  EXPECT_NE(refused.error().text.find("another process of the node a"), std::string::npos) << refused.error().text;
  EXPECT_FALSE(again->lead().value()) << "the lead of the same name is not its own";
  EXPECT_EQ(again->append({1, "x"}, true).value(), Appended::not_leading);
  died.reset();
  ASSERT_TRUE(comes([&] { return b->attend("b") && again->attend("second").has_value(); }, 30s));
  const auto after = steady_clock::now() - attended;
  EXPECT_GE(after, 8s);
  EXPECT_LE(after, 15s);
  EXPECT_EQ(read(*b, 0).nodes, (std::vector<Attendant>{{"a", "second"}, {"b", "b"}}));
  EXPECT_EQ(read(*b, 0).leader, "");
  EXPECT_TRUE(b->lead().value());
}

TEST_F(Etcd, WhatWasDoneWithoutAnAnswerIsDoneOnce) {
  Between between(servers->endpoints().front());
  const auto a = log_of({between.endpoint()}, prefix(), "a"), both = log_of({between.endpoint(), servers->endpoints().front()}, prefix(), "b");
  const auto unanswered = [&](auto call) {
    between.set(Between::Does::loses);
    EXPECT_EQ(fault_of(call()), Fault::unreachable);
  };
  unanswered([&] { return a->found(mark, 1); });
  EXPECT_TRUE(a->found(mark, 1).value());
  for (const std::size_t bytes : {std::size_t{3}, 2 * etcd::part_bytes}) {
    const std::uint32_t number = read(*a, 0).last + 1;
    const LogItem item{number, large(bytes)};
    unanswered([&] { return a->append(item, false); });
    EXPECT_EQ(a->append(item, false).value(), Appended::done);
    EXPECT_EQ(a->append({number, large(bytes + 1)}, false).value(), Appended::overtaken);
    EXPECT_EQ(read(*a, 0).last, number);
  }
  unanswered([&] { return a->attend("a"); });
  EXPECT_TRUE(a->attend("a"));
  unanswered([&] { return a->attend("changed"); });
  EXPECT_TRUE(a->attend("changed"));
  EXPECT_EQ(read(*a, 0).nodes, (std::vector<Attendant>{{"a", "changed"}}));
  unanswered([&] { return a->lead(); });
  EXPECT_TRUE(a->lead().value());
  EXPECT_EQ(a->append({3, "x"}, true).value(), Appended::done);
  EXPECT_EQ(a->append({4, "x"}, true).value(), Appended::done);

  // The next server is asked within the call, and knows it as done.
  ASSERT_TRUE(both->read(0).value());
  between.set(Between::Does::loses);
  EXPECT_EQ(both->append({5, "y"}, false).value(), Appended::done);
  EXPECT_EQ(read(*a, 4).items.at(0).octets, "y");
  EXPECT_EQ(read(*a, 4).last, 5U);
}

TEST_F(Etcd, OneConnectionIsKept) {
  Between between(servers->endpoints().front());
  const auto a = log_of({test::free_endpoint(), between.endpoint()}, prefix());
  ASSERT_TRUE(a->found(mark, 1).value());
  for (std::uint32_t i = 1; i <= 20; ++i) append(*a, i, "x");
  EXPECT_EQ(read(*a, 0).items.size(), 16U);
  EXPECT_EQ(between.calls(), 22U) << "one a call";
  EXPECT_EQ(between.connections(), 1U) << "and the server that worked is kept to";
}

TEST_F(Etcd, AWrongServerHoldsNobodyAndFillsNothing) {
  Between between(servers->endpoints().front());
  const auto a = log_of({between.endpoint()}, prefix());
  between.set(Between::Does::babbles);
  EXPECT_EQ(fault_of(a->read(0)), Fault::unreachable);
  EXPECT_LE(between.babbled(), 32U << 20) << "of what is on the way, too";
  between.set(Between::Does::hangs);
  auto begun = steady_clock::now();
  EXPECT_EQ(fault_of(a->read(0)), Fault::unreachable);
  EXPECT_LE(steady_clock::now() - begun, 3s);
  httplib::Server server;
  std::string text;
  server.Post(".*", [&](const httplib::Request&, httplib::Response& out) { out.set_content(text, "application/json"); });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  auto b = log_of({{base::Address::v4({127, 0, 0, 1}), static_cast<std::uint16_t>(port)}}, prefix());
  for (const std::string& wrong :
       {std::string("hello"), std::string("[]"), std::string(7U << 20, '['), "{\"responses\":[" + std::string(3U << 20, ',') + "]}"}) {
    text = wrong;
    EXPECT_EQ(fault_of(b->read(0)), Fault::unreachable) << wrong.substr(0, 20);
  }
  for (const char* wrong : {"{}", R"({"header":{}})", R"({"header":{},"succeeded":true})", R"({"header":{},"succeeded":true,"responses":[1,2,3,4,5,6]})",
                            R"({"header":{},"succeeded":1})"}) {
    text = wrong;
    EXPECT_EQ(fault_of(b->read(0)), Fault::corrupt) << wrong;
  }
  text = R"({"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}})";
  EXPECT_EQ(fault_of(b->attend("x")), Fault::unreachable);
  text = R"({"error":"etcdserver: mvcc: database space exceeded","code":8})";
  EXPECT_EQ(fault_of(b->attend("x")), Fault::failed);
  b.reset();
  server.stop();
  serving.join();
}

TEST_F(Etcd, StopEndsACallThatWaitsAndLeaveIsHeardStill) {
  Between between(servers->endpoints().front());
  const auto a = log_of({between.endpoint()}, prefix());
  ASSERT_TRUE(a->found(mark, 1).value());
  ASSERT_TRUE(a->attend("a"));
  between.set(Between::Does::hangs);
  const unsigned calls = between.calls();
  steady_clock::time_point ended;
  std::thread waiting([&] {
    EXPECT_EQ(fault_of(a->read(0)), Fault::unreachable);
    ended = steady_clock::now();
  });
  EXPECT_TRUE(comes([&] { return between.calls() > calls; }));
  const auto stopped = steady_clock::now();
  a->stop();
  waiting.join();
  EXPECT_LE(ended - stopped, 500ms);
  EXPECT_EQ(fault_of(a->read(0)), Fault::unreachable);
  EXPECT_EQ(fault_of(a->attend("a")), Fault::unreachable);
  between.set(Between::Does::passes);
  EXPECT_EQ(rows(keys().nodes()).size(), 1U);
  a->leave();
  EXPECT_TRUE(rows(keys().nodes()).empty());
}

TEST(EtcdCluster, AMajorityOfServersIsEnoughAndLessIsUnreachable) {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  Servers servers(3);
  const auto a = log_of(servers.endpoints(), "x", "a");
  ASSERT_TRUE(comes([&] { return a->found(mark, 1).has_value(); }));
  append(*a, 1, "x");
  ASSERT_TRUE(a->attend("a") && a->lead().value());
  // The one that is talked to: a client of etcd's first server, as long as that answers.
  servers.kill(0);
  EXPECT_TRUE(comes([&] { return a->append({2, "y"}, true) == Appended::done; }, 10s));
  EXPECT_EQ(read(*a, 1).items.at(0).octets, "y");
  servers.kill(1);
  const auto begun = steady_clock::now();
  const auto none = a->append({3, "z"}, true);
  EXPECT_LE(steady_clock::now() - begun, 7s);
  EXPECT_EQ(fault_of(none), Fault::unreachable) << "of three servers, one";
  EXPECT_EQ(fault_of(a->read(0)), Fault::unreachable);
  EXPECT_EQ(fault_of(a->attend("a")), Fault::unreachable);
  servers.start(0);
  servers.start(1);
  ASSERT_TRUE(comes([&] { return a->read(2).has_value(); }));
  EXPECT_TRUE(comes([&] { return a->append({3, "z"}, false) == Appended::done; })) << "done, or done again without harm";
  EXPECT_EQ(read(*a, 2).last, 3U);
  EXPECT_EQ(read(*a, 2).items.at(0).octets, "z");
}

class EtcdTls : public testing::Test {
 protected:
  EtcdTls() {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    for (const char* ca : {"ca", "other"})
      run(std::string("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=") + ca + key_and(ca, ".crt"));
    certify("server", "ca", "IP:127.0.0.1");
    certify("elsewhere", "ca", "IP:127.0.0.2");
    certify("client", "ca", "DNS:a");
    certify("stranger", "other", "DNS:a");
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] std::vector<std::string> arguments(const std::string& certificate) const {
    return {"--cert-file", file(certificate + ".crt"), "--key-file", file(certificate + ".key"), "--client-cert-auth", "--trusted-ca-file", file("ca.crt")};
  }
  [[nodiscard]] Result<std::unique_ptr<SharedLog>> open(const Servers& servers, const std::string& ca, const std::string& client,
                                                        const std::string& key) const {
    return open_etcd({.endpoints = servers.endpoints(),
                      .prefix = "x",
                      .node = "a",
                      .ca = file(ca + ".crt"),
                      .certificate = client.empty() ? "" : file(client + ".crt"),
                      .key = client.empty() ? "" : file(key + ".key")});
  }

 private:
  static void run(const std::string& command) { ASSERT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << command; }
  [[nodiscard]] std::string key_and(const std::string& name, const char* what) const {
    return " -keyout " + file(name + ".key") + " -out " + file(name + what);
  }
  void certify(const std::string& name, const std::string& ca, const std::string& alternative) {
    run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + key_and(name, ".csr"));
    std::ofstream(file(name + ".ext")) << "subjectAltName=" << alternative << '\n';
    run("openssl x509 -req -days 1 -CAcreateserial -in " + file(name + ".csr") + " -CA " + file(ca + ".crt") + " -CAkey " + file(ca + ".key") + " -extfile " +
        file(name + ".ext") + " -out " + file(name + ".crt"));
  }
  test::Folder folder_;
};

TEST_F(EtcdTls, BothSidesShowACertificate) {
  const Servers servers(1, arguments("server"), "https");
  const auto a = open(servers, "ca", "client", "client");
  ASSERT_TRUE(a) << a.error().text;
  ASSERT_TRUE(comes([&] { return (*a)->read(0).has_value(); }));
  EXPECT_TRUE((*a)->found(mark, 1).value());
  append(**a, 1, large(3 * etcd::part_bytes));
  EXPECT_EQ(read(**a, 0).items.at(0).octets, large(3 * etcd::part_bytes));
  ASSERT_TRUE((*a)->attend("a"));
  EXPECT_TRUE((*a)->lead().value());
  (*a)->leave();
  EXPECT_TRUE(read(**a, 1).nodes.empty());
  for (const char* shown : {"", "stranger"}) EXPECT_EQ(fault_of((*open(servers, "ca", shown, shown))->read(0)), Fault::unreachable) << shown;
  const auto renewed = open(servers, "ca", "stranger", "stranger");
  EXPECT_EQ(fault_of((*renewed)->read(0)), Fault::unreachable);
  for (const char* what : {".crt", ".key"})
    std::filesystem::copy_file(file(std::string("client") + what), file(std::string("stranger") + what), std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE((*renewed)->read(0)) << "files are read again";
  EXPECT_EQ(fault_of((*open(servers, "other", "client", "client"))->read(0)), Fault::unreachable) << "a server that nobody knows";
  EXPECT_EQ(fault_of(log_of(servers.endpoints(), "x")->read(0)), Fault::unreachable) << "without TLS";
  EXPECT_EQ(fault_of(open(servers, "none", "client", "client")), Fault::failed);
  EXPECT_EQ(fault_of(open(servers, "ca", "none", "client")), Fault::failed);
  EXPECT_EQ(fault_of(open(servers, "ca", "client", "server")), Fault::failed) << "another one's key";
}

TEST_F(EtcdTls, AServerIsWhereItsCertificateSays) {
  const Servers here(1, arguments("server"), "https"), servers(1, arguments("elsewhere"), "https");
  const auto a = open(here, "ca", "client", "client"), b = open(servers, "ca", "client", "client");
  ASSERT_TRUE(a && b);
  ASSERT_TRUE(comes([&] { return (*a)->read(0).has_value(); }));
  // It listens by then, too, or soon.
  std::string fault;
  EXPECT_TRUE(comes([&] {
    fault = fault_text(**b);
    return fault.find("does not name this address") != std::string::npos;
  })) << fault;
}

}  // namespace
}  // namespace viaduct::store
