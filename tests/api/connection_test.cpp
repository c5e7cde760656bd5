// SPDX-License-Identifier: Apache-2.0
// One connection over a socket pair: what it waits for, so that no peer can pile up requests or answers in it.
#include "connection.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace viaduct::api {
namespace {

class ApiConnection : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    peer_ = ends[0];
    connection_ = Connection{ends[1]};
  }
  void TearDown() override { close(peer_); }
  void send(std::string_view text) {
    ASSERT_EQ(::send(peer_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    connection_.receive();
  }

  int peer_{-1};
  Connection connection_{-1};
};

TEST_F(ApiConnection, ReadsNoFurtherWhileARequestWaits) {
  EXPECT_EQ(connection_.events(), POLLIN);
  send("a\nb\nc");
  for (const auto* line : {"a", "b"}) {
    EXPECT_EQ(connection_.events(), 0);
    ASSERT_TRUE(connection_.has_line());
    EXPECT_EQ(connection_.take_line(), line);
  }
  EXPECT_FALSE(connection_.has_line());
  EXPECT_EQ(connection_.events(), POLLIN);
}

TEST_F(ApiConnection, NeitherReadsNorAnswersWhileAnAnswerWaits) {
  send("a\nb\n");
  EXPECT_EQ(connection_.take_line(), "a");
  connection_.answer(std::string(4 << 20, 'x'));
  EXPECT_EQ(connection_.events(), POLLOUT);
  EXPECT_FALSE(connection_.has_line());
}

TEST_F(ApiConnection, IsFinishedOnceThePeerHasEndedAndEveryLineIsTaken) {
  send("a\nb");
  shutdown(peer_, SHUT_WR);
  connection_.receive();
  EXPECT_EQ(connection_.take_line(), "a");
  EXPECT_FALSE(connection_.is_finished());
  EXPECT_EQ(connection_.take_line(), "b");
  EXPECT_TRUE(connection_.is_finished());
}

TEST_F(ApiConnection, IsFinishedWhenThePeerIsGone) {
  close(peer_);
  connection_.answer("x");
  EXPECT_TRUE(connection_.is_finished());
  peer_ = -1;
}

}  // namespace
}  // namespace viaduct::api
