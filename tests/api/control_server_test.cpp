// SPDX-License-Identifier: Apache-2.0
// Node calls node over real HTTP: what the caller asks and gets, and what of strangers is not heard.
#include "viaduct/api/control_server.h"

#include <poll.h>

#include <atomic>
#include <thread>

#include "nodes.h"
#include "viaduct/base/limits.h"

namespace viaduct::api {
namespace {

TEST_F(Nodes, TellOfClientsThatMoveInPartsThatFit) {
  std::vector<std::string> aors;
  for (std::size_t i = 0; i < base::node_call_clients_max + 5; ++i) aors.push_back("user" + std::to_string(i) + "@example.com");
  const auto told = peers.tell_moved(called, 17, {.notice = notifier::Notice::probation, .within_s = 90}, aors);
  ASSERT_TRUE(told) << told.error();
  EXPECT_EQ(*told, aors.size());
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[1].first, "/v1/moved");
  EXPECT_EQ(calls[1].second, (json{{"epoch", 17}, {"mode", "probation"}, {"within_s", 90}, {"clients", std::vector(aors.end() - 5, aors.end())}}));
}

TEST_F(Nodes, AskWhatThereIsOfClients) {
  answer = [](const json&) {
    return NodeAnswer{.body = {{"ok", true},
                               {"clients",
                                {{{"bindings", 1}, {"subscriptions", 2}, {"registered_ago_s", 30}},
                                 {{"bindings", 0}, {"subscriptions", 0}, {"registered_ago_s", nullptr}},
                                 {{"bindings", 1}, {"subscriptions", 0}}}}}};
  };
  const std::vector<std::string> aors = {"alice@example.com", "bob@example.com", "carol@example.com"};
  const auto found = peers.standings(called, aors);
  ASSERT_TRUE(found) << found.error();
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].bindings, 1U);
  EXPECT_EQ((*found)[0].subscriptions, 2U);
  EXPECT_EQ((*found)[0].registered_ago_s, 30U);
  EXPECT_EQ((*found)[1].bindings, 0U);
  EXPECT_FALSE((*found)[1].registered_ago_s);
  EXPECT_FALSE((*found)[2].registered_ago_s) << "a node of an earlier build does not say it";
  EXPECT_EQ(calls.front().second, (json{{"clients", aors}}));
  EXPECT_FALSE(peers.standings(called, std::span(aors).first(1))) << "an answer about others";
}

TEST_F(Nodes, SayWhyACallCameToNothing) {
  const std::vector<std::string> aors = {"alice@example.com"};
  const auto why = [&](assign::HomeIndex home) { return peers.tell_moved(home, 1, {}, aors).error(); };
  EXPECT_EQ(why(without_control), "north: has no control address");
  EXPECT_EQ(why(99), "there is no such home");
  EXPECT_NE(why(absent).find("east at 127.0.0.1:1: "), std::string::npos);
  answer = [](const json&) { return NodeAnswer{.status = 503, .body = {{"ok", false}, {"error", "the disk is full"}}}; };
  EXPECT_NE(why(called).find("the disk is full"), std::string::npos);
  answer = [](const json&) { return NodeAnswer{.body = {{"told", "many"}}}; };
  EXPECT_NE(why(called).find("type"), std::string::npos);
  answer = [](const json&) -> NodeAnswer { throw std::runtime_error("a handler's fault"); };
  EXPECT_NE(why(called).find("a handler's fault"), std::string::npos);
  calls.clear();
  keys.keys[0].emplace('a', base::Key128{9});
  EXPECT_NE(why(called).find("not sealed by a key of this fleet: 401"), std::string::npos);
  EXPECT_TRUE(calls.empty());
}

TEST_F(Nodes, HearNoStrangers) {
  const std::string body = R"({"clients":[]})";
  EXPECT_EQ(post(body, ""), 401);
  EXPECT_EQ(post(body, sealed("{}")), 401) << "the seal of another body";
  EXPECT_EQ(post(body, sealed(body), "/v1/bindings"), 401) << "the seal of another call";
  EXPECT_EQ(post(body, sealed(body, 100)), 401) << "too old";
  EXPECT_EQ(post(std::string(base::node_call_bytes_max + 1, ' '), ""), 413);
  EXPECT_TRUE(calls.empty());
  const std::string once = sealed(body);
  EXPECT_EQ(post(body, once), 200);
  EXPECT_EQ(post(body, once), 401) << "a second time";
  EXPECT_EQ(calls.size(), 1U);
  EXPECT_EQ(post("no JSON", sealed("no JSON")), 400);
  EXPECT_EQ(post("[]", sealed("[]")), 400);
  EXPECT_EQ(calls.size(), 1U);
}

TEST_F(Nodes, ReadNoBodyWhoseSizeIsNotSaid) {
  // The body never comes: whoever waited for it would not answer.
  EXPECT_EQ(first_line_after("Transfer-Encoding: chunked\r\n"), "HTTP/1.1 411 Length Required");
  EXPECT_EQ(first_line_after("Content-Encoding: gzip\r\nContent-Length: 100\r\n"), "HTTP/1.1 411 Length Required");
  EXPECT_EQ(first_line_after(""), "HTTP/1.1 411 Length Required");
  EXPECT_TRUE(calls.empty());
}

TEST_F(Nodes, AreHeardWhileOthersSendTheirsNowAndThen) {
  std::atomic<bool> is_over{};
  std::vector<std::thread> drips;
  for (std::size_t i = 0; i < 2 * base::node_call_threads; ++i)
    drips.emplace_back([&] {
      const base::Descriptor link{connected(INADDR_LOOPBACK + 1)};
      const std::string_view head = "POST /v1/moved HTTP/1.1\r\nX-Slow: ";
      for (std::size_t at = 0; !is_over.load(); ++at) {
        const char next = at < head.size() ? head[at] : 'x';
        if (send(link.get(), &next, 1, MSG_NOSIGNAL) != 1) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const std::string body = R"({"clients":[]})";
  EXPECT_EQ(post(body, sealed(body)), 200);
  is_over = true;
  for (std::thread& drip : drips) drip.join();
}

TEST_F(Nodes, AreHeardThoughManyConnectAndSayNothing) {
  std::vector<base::Descriptor> idle;
  for (std::size_t i = 0; i < base::node_calls_waiting_max + 50; ++i) idle.emplace_back(connected());
  const std::string body = R"({"clients":[]})";
  // Each of them would hold a thread for three seconds, and the caller gives up after five.
  EXPECT_EQ(post(body, sealed(body)), 200);
  const auto stopped = std::chrono::steady_clock::now();
  server.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds(10)) << "whoever says nothing keeps no stop waiting";
}

TEST_F(Nodes, AreHeardThoughOneHostSendsAnOctetOnManyConnections) {
  std::vector<pollfd> links;
  std::vector<base::Descriptor> held;
  for (std::size_t i = 0; i < base::node_calls_waiting_max + base::node_call_threads; ++i) {
    held.emplace_back(connected(INADDR_LOOPBACK + 1));
    send(held.back().get(), "P", 1, MSG_NOSIGNAL);
    links.push_back({.fd = held.back().get(), .events = POLLIN, .revents = 0});
  }
  ASSERT_GT(poll(links.data(), links.size(), 10'000), 0) << "as many wait as can: one was closed";
  const std::string body = R"({"clients":[]})";
  EXPECT_EQ(post(body, sealed(body)), 200);
}

TEST_F(Nodes, CloseWhoSaysNothing) {
  const base::Descriptor link{connected()};
  const timeval patience{.tv_sec = 30, .tv_usec = 0};
  setsockopt(link.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char next = 0;
  EXPECT_EQ(recv(link.get(), &next, 1, 0), 0);
}

TEST_F(Nodes, AreAnsweredHoweverLongThatTakes) {
  answer = [](const json&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3'500));   // longer than a call may take to be read
    return NodeAnswer{.body = {{"ok", true}}};
  };
  const std::string body = R"({"clients":[]})";
  EXPECT_EQ(post(body, sealed(body)), 200);
}

/// A home that answers what it likes: the octets of `piece` so long as they are taken, with a pause behind each time.
class Stranger {
 public:
  Stranger(std::string piece, std::chrono::milliseconds pause) : piece_(std::move(piece)), pause_(pause), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t bytes = sizeof at;
    bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
    listen(listener_.get(), 1);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &bytes);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { answer(); });
  }
  ~Stranger() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  [[nodiscard]] base::Endpoint endpoint() const { return {base::Address::v4({127, 0, 0, 1}), port_}; }
  [[nodiscard]] std::size_t sent() const { return sent_; }
  [[nodiscard]] bool is_called() const { return is_called_; }

 private:
  void answer() {
    const base::Descriptor link{accept(listener_.get(), nullptr, nullptr)};
    if (link.get() < 0) return;
    is_called_ = true;
    constexpr std::string_view head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
    send(link.get(), head.data(), head.size(), MSG_NOSIGNAL);
    for (ssize_t got = 0; got >= 0; std::this_thread::sleep_for(pause_)) {
      got = send(link.get(), piece_.data(), piece_.size(), MSG_NOSIGNAL);
      if (got > 0) sent_ += static_cast<std::size_t>(got);
    }
  }
  const std::string piece_;
  const std::chrono::milliseconds pause_;
  base::Descriptor listener_;
  std::uint16_t port_{};
  std::atomic<std::size_t> sent_{};
  std::atomic<bool> is_called_{};
  std::thread thread_;
};

TEST_F(Nodes, TakeNoAnswerWithoutEnd) {
  const Stranger stranger(std::string(65'536, 'x'), std::chrono::milliseconds{0});
  place(stranger.endpoint());
  const auto told = peers.tell_moved(called, 1, {}, std::vector<std::string>{"alice@example.com"});
  ASSERT_FALSE(told);
  EXPECT_LT(stranger.sent(), 4 * base::node_call_bytes_max) << "what the sockets hold is on top";
}

TEST_F(Nodes, WaitForNobodyWhenTheyStop) {
  const Stranger stranger("x", std::chrono::milliseconds{100});
  place(stranger.endpoint());
  control::Expected<std::uint64_t> told;
  std::thread call([&] { told = peers.tell_moved(called, 1, {}, std::vector<std::string>{"alice@example.com"}); });
  while (!stranger.is_called()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto begin = std::chrono::steady_clock::now();
  peers.stop();
  call.join();
  EXPECT_FALSE(told);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_FALSE(peers.tell_moved(called, 1, {}, std::vector<std::string>{"alice@example.com"})) << "and call nobody any more";
}

TEST_F(Nodes, DoNotShareAnAddress) {
  EXPECT_FALSE(ControlServer::open(here, [this] { return keys; }, [](const std::string&, const json&) { return NodeAnswer{}; }));
}

}  // namespace
}  // namespace viaduct::api
