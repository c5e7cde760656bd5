// SPDX-License-Identifier: Apache-2.0
// The operator's socket over a real Unix socket: requests, faults, limits, slow peers, stale files and the stop.
#include "viaduct/api/server.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <vector>

#include "viaduct/base/limits.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// A client that blocks, but never longer than five seconds.
class Client {
 public:
  explicit Client(const std::filesystem::path& path) : descriptor_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) throw std::runtime_error("no connection");
    const timeval limit{5, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  }
  ~Client() { close(descriptor_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t put = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (put <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  void end() const { shutdown(descriptor_, SHUT_WR); }
  /// A line without its end; empty when the server has closed, or nothing came in time.
  std::string line() {
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      std::array<char, 65536> piece;
      const ssize_t got = recv(descriptor_, piece.data(), piece.size(), 0);
      if (got <= 0) return {};
      buffer_.append(piece.data(), static_cast<std::size_t>(got));
    }
    std::string out = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return out;
  }
  json ask(std::string_view request) {
    send(std::string{request} + '\n');
    return json::parse(line());
  }

 private:
  int descriptor_;
  std::string buffer_;
};

class ApiServer : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "viaduct-api-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "run" / "node.sock";
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  void start(Patience patience = {}) {
    auto started = Server::open(path_, [](const json& request, const std::string& who) { return answer(request, who); }, patience);
    ASSERT_TRUE(started.has_value()) << started.error();
    server_ = std::move(*started);
    server_->serve();
  }
  static Answer answer(const json& request, const std::string& who) {
    const std::string verb = request["verb"];
    if (verb == "who") return json{{"ok", true}, {"who", who}};
    if (verb == "slow") return answering([] { return std::this_thread::sleep_for(300ms), json{{"ok", true}, {"slow", true}}; });
    if (verb == "slow-fail") return answering([]() -> json { throw std::runtime_error("it failed late"); });
    if (verb == "count") return Work(count_octets);
    if (verb == "flood")
      return Work([](Stream& stream) {
        while (stream.write(std::string(1 << 20, 'x') + '\n')) continue;
      });
    if (verb == "progress") return Work(progress);
    if (verb == "insist") return Work(insist);
    if (verb == "fail") throw std::runtime_error("it failed");
    if (verb == "large") return json{{"ok", true}, {"text", std::string(8 << 20, 'x')}};
    if (verb == "octets") return json{{"ok", true}, {"text", "a\xff"}};
    return json{{"ok", true}, {"echo", request}};
  }
  /// All that the peer sends until it ends its side.
  static void count_octets(Stream& stream) {
    std::size_t octets = 0;
    for (auto piece = stream.read(); !piece.empty(); piece = stream.read()) octets += piece.size();
    stream.write_line({{"ok", true}, {"octets", octets}});
  }

  /// More than a peer takes that does not read, and how long that was.
  static void progress(Stream& stream) {
    const auto begin = std::chrono::steady_clock::now();
    std::size_t offered = 0;
    for (int i = 0; i < 10'000; ++i) offered += stream.offer_line({{"done", i}, {"text", std::string(200, 'x')}}) ? 1 : 0;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    stream.write_line({{"offered", offered}, {"took_s", took.count()}});
  }
  static void insist(Stream& stream) {
    for (int i = 0; i < 10; ++i) stream.write(std::string(1 << 20, 'x'));
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
  std::unique_ptr<Server> server_;
};

TEST_F(ApiServer, AnswersSeveralRequestsOnAConnection) {
  start();
  Client client{path_};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(R"({"verb":"v","n":)" + std::to_string(i) + '}')["echo"]["n"], i);
}

TEST_F(ApiServer, AnswersInOrderWhatWasSentTogether) {
  start();
  Client client{path_};
  std::string all;
  for (int i = 0; i < 1000; ++i) all += R"({"verb":"v","n":)" + std::to_string(i) + "}\r\n";
  client.send(all);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(json::parse(client.line())["echo"]["n"], i);
}

TEST_F(ApiServer, PutsTogetherARequestThatComesInPieces) {
  start();
  Client client{path_};
  client.send(R"({"verb":)");
  std::this_thread::sleep_for(20ms);
  client.send("\"v\"}\n");
  EXPECT_EQ(json::parse(client.line())["ok"], true);
}

TEST_F(ApiServer, AnswersALastRequestWithoutLineEndAndThenCloses) {
  start();
  Client client{path_};
  client.send("{\"verb\":\"v\"}\n\n{\"verb\":\"w\"}");
  client.end();
  EXPECT_EQ(json::parse(client.line())["echo"]["verb"], "v");
  EXPECT_EQ(json::parse(client.line())["echo"]["verb"], "w");
  EXPECT_EQ(client.line(), "");
}

TEST_F(ApiServer, SaysWhatIsWrongWithARequestAndGoesOn) {
  start();
  Client client{path_};
  const auto broken = client.ask("{\"verb\":");
  EXPECT_EQ(broken["ok"], false);
  EXPECT_TRUE(broken["error"].get<std::string>().starts_with("not JSON: ")) << broken;
  for (const auto* request : {"[]", "7", "\"verb\"", "null"}) EXPECT_EQ(client.ask(request)["error"], "a request is an object");
  EXPECT_EQ(client.ask(R"({"verb":"v"})")["ok"], true);
}

TEST_F(ApiServer, TurnsAHandlersExceptionIntoAnAnswer) {
  start();
  Client client{path_};
  EXPECT_EQ(client.ask(R"({"verb":"fail"})"), (json{{"ok", false}, {"error", "it failed"}}));
  EXPECT_EQ(client.ask(R"({"verb":"v"})")["ok"], true);
}

TEST_F(ApiServer, ReplacesOctetsThatAreNoUtf8) {
  start();
  Client client{path_};
  EXPECT_EQ(client.ask(R"({"verb":"octets"})")["text"], "a\xef\xbf\xbd");
}

TEST_F(ApiServer, TakesARequestAtTheLimitAndRefusesOneAboveIt) {
  start();
  const std::string head = R"({"verb":"v","x":")";
  const auto sized = [&](std::size_t bytes) { return head + std::string(bytes - head.size() - 2, 'x') + "\"}"; };
  Client fits{path_};
  EXPECT_EQ(fits.ask(sized(base::api_request_bytes_max))["ok"], true);
  Client exceeds{path_};
  EXPECT_EQ(exceeds.ask(sized(base::api_request_bytes_max + 1))["error"], "a request is at most 65536 octets");
  EXPECT_EQ(exceeds.line(), "");
  Client endless{path_};
  endless.send(std::string(200'000, 'x'));
  EXPECT_EQ(json::parse(endless.line())["error"], "a request is at most 65536 octets");
  EXPECT_EQ(endless.line(), "");
}

TEST_F(ApiServer, ServesOthersWhileAPeerDoesNotTakeItsAnswer) {
  start();
  Client slow{path_};
  slow.send("{\"verb\":\"large\"}\n{\"verb\":\"v\"}\n");
  std::this_thread::sleep_for(50ms);
  Client other{path_};
  EXPECT_EQ(other.ask(R"({"verb":"v"})")["ok"], true);
  EXPECT_EQ(json::parse(slow.line())["text"].get<std::string>().size(), std::size_t{8} << 20);
  EXPECT_EQ(json::parse(slow.line())["echo"]["verb"], "v");
}

TEST_F(ApiServer, StopsWhileAPeerDoesNotTakeItsAnswer) {
  start();
  const Client slow{path_};
  slow.send("{\"verb\":\"large\"}\n");
  const Client silent{path_};
  silent.send("{\"verb\"");
  std::this_thread::sleep_for(50ms);
  const auto before = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
}

TEST_F(ApiServer, TurnsAwayTheConnectionAboveTheLimitAndTakesOneAgainWhenOneHasGone) {
  start();
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < base::api_connections_max; ++i) {
    clients.push_back(std::make_unique<Client>(path_));
    ASSERT_EQ(clients.back()->ask(R"({"verb":"v"})")["ok"], true);
  }
  EXPECT_EQ(json::parse(Client{path_}.line())["error"], "too many connections");
  clients.pop_back();
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(Client{path_}.ask(R"({"verb":"v"})")["ok"], true);
}

TEST_F(ApiServer, GivesAwayThePlaceOfWhoHasBeenIdleForLongest) {
  start({.idle = 300ms});
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < base::api_connections_max; ++i) {
    clients.push_back(std::make_unique<Client>(path_));
    ASSERT_EQ(clients.back()->ask(R"({"verb":"v"})")["ok"], true);
  }
  EXPECT_EQ(json::parse(Client{path_}.line())["error"], "too many connections") << "none has been idle for long";
  std::this_thread::sleep_for(400ms);
  ASSERT_EQ(clients.front()->ask(R"({"verb":"v"})")["ok"], true);
  EXPECT_EQ(Client{path_}.ask(R"({"verb":"v"})")["ok"], true);
  EXPECT_EQ(clients[1]->line(), "") << "closed";
  EXPECT_EQ(clients[0]->ask(R"({"verb":"v"})")["ok"], true);
  EXPECT_EQ(clients[2]->ask(R"({"verb":"v"})")["ok"], true);
}

TEST_F(ApiServer, KeepsAPlaceForRootWhomeverOthersLockOut) {
  start();
  ASSERT_EQ(chmod(path_.c_str(), 0666), 0);
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  std::vector<std::unique_ptr<Client>> others;
  std::string refused;
  std::thread nobody([&] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);   // of this thread alone
    for (std::size_t i = 0; i < base::api_connections_max; ++i) others.push_back(std::make_unique<Client>(path_));
    refused = others.back()->line();
  });
  nobody.join();
  EXPECT_NE(refused.find("too many connections"), std::string::npos) << refused;
  EXPECT_EQ(others.front()->ask(R"({"verb":"who"})")["who"], "nobody");
  EXPECT_EQ(Client{path_}.ask(R"({"verb":"who"})")["who"], "root");
}

TEST_F(ApiServer, MakesASocketForItsOwnerAndGroupWhateverTheUmask) {
  const mode_t before = umask(0077);
  start();
  umask(before);
  struct stat found{};
  ASSERT_EQ(stat(path_.c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 0777U, 0660U);
}

TEST_F(ApiServer, RemovesTheSocketWhenItStops) {
  start();
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ApiServer, ReplacesTheSocketOfAProcessThatDied) {
  std::filesystem::create_directories(path_.parent_path());
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path_.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  close(left);
  start();
  EXPECT_EQ(Client{path_}.ask(R"({"verb":"v"})")["ok"], true);
}

TEST_F(ApiServer, HasWhoConnectsWaitUntilItServes) {
  auto opened = Server::open(path_, [](const json&, const std::string&) { return json{{"ok", true}}; });
  ASSERT_TRUE(opened.has_value()) << opened.error();
  Client early{path_};
  early.send("{\"verb\":\"v\"}\n");
  (*opened)->serve();
  EXPECT_EQ(early.line(), R"({"ok":true})");
}

TEST_F(ApiServer, NeedsNotServeToEnd) {
  ASSERT_TRUE(Server::open(path_, [](const json&, const std::string&) { return json{}; }).has_value());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ApiServer, LeavesALiveSocketAlone) {
  start();
  const auto second = Server::open(path_, [](const json&, const std::string&) { return json{}; });
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error(), path_.string() + ": another process serves this socket");
  EXPECT_EQ(Client{path_}.ask(R"({"verb":"v"})")["ok"], true);
}

TEST_F(ApiServer, LeavesAFileThatIsNoSocketAlone) {
  std::filesystem::create_directories(path_.parent_path());
  std::ofstream{path_} << "mine";
  const auto started = Server::open(path_, [](const json&, const std::string&) { return json{}; });
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error(), path_.string() + ": exists and is not a socket");
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ApiServer, RefusesAPathThatNoSocketCanHave) {
  const auto started = Server::open(folder_ / std::string(120, 'n'), [](const json&, const std::string&) { return json{}; });
  ASSERT_FALSE(started.has_value());
  EXPECT_TRUE(started.error().ends_with("is too long for a socket's path")) << started.error();
}

TEST_F(ApiServer, KnowsItsPeersUser) {
  start();
  const passwd* own = getpwuid(getuid());
  EXPECT_EQ(Client{path_}.ask(R"({"verb":"who"})")["who"], own->pw_name);
}

TEST_F(ApiServer, AnswersOthersWhileOneVerbTakesLong) {
  start();
  Client slow{path_}, quick{path_};
  slow.send("{\"verb\":\"slow\"}\n");
  EXPECT_EQ(quick.ask(R"({"verb":"v"})")["ok"], true);
  EXPECT_EQ(json::parse(slow.line())["slow"], true);
}

TEST_F(ApiServer, TakesRequestsAgainAfterALongVerb) {
  start();
  Client client{path_};
  EXPECT_EQ(client.ask(R"({"verb":"slow"})")["slow"], true);
  EXPECT_EQ(client.ask(R"({"verb":"v"})")["ok"], true);
  EXPECT_EQ(client.ask(R"({"verb":"slow-fail"})")["error"], "it failed late");
  client.send("{\"verb\":\"slow\"}\n{\"verb\":\"v\"}\n");
  EXPECT_EQ(json::parse(client.line())["slow"], true);
  EXPECT_TRUE(json::parse(client.line()).contains("echo")) << "what came behind the long verb's line waited";
}

TEST_F(ApiServer, HandsAVerbWhatFollowsItsLine) {
  start();
  Client client{path_};
  const std::string file(3'000'000, 'x');
  client.send("{\"verb\":\"count\"}\n" + file);
  client.end();
  EXPECT_EQ(json::parse(client.line())["octets"], file.size());
  EXPECT_EQ(client.line(), "") << "closed";
}

TEST_F(ApiServer, LeavesOutProgressThatThePeerDoesNotTake) {
  start();
  Client client{path_};
  client.send("{\"verb\":\"progress\"}\n");
  std::this_thread::sleep_for(300ms);
  std::size_t lines = 0;
  json last;
  for (; !last.contains("took_s"); ++lines) last = json::parse(client.line());
  EXPECT_LT(last["took_s"], 2.0);
  EXPECT_EQ(last["offered"], lines - 1) << "whole lines, and all that were said to be";
  EXPECT_LT(lines, 10'000U) << "it has taken all of them: this shows nothing";
  EXPECT_EQ(client.ask(R"({"verb":"v"})")["ok"], true);
}

TEST_F(ApiServer, WaitsOnceForAPeerThatTakesNothing) {
  start({.taking = 300ms});
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < base::api_connections_max; ++i)
    clients.push_back(std::make_unique<Client>(path_)), clients.back()->send("{\"verb\":\"insist\"}\n");
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(Client{path_}.ask(R"({"verb":"v"})")["ok"], true) << "they are gone";
}

TEST_F(ApiServer, EndsLongVerbsWhenItStops) {
  start();
  const Client waiting{path_}, flooded{path_};
  waiting.send("{\"verb\":\"count\"}\nabc");
  flooded.send("{\"verb\":\"flood\"}\n");
  std::this_thread::sleep_for(100ms);
  const auto begin = std::chrono::steady_clock::now();
  server_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

}  // namespace
}  // namespace viaduct::api
