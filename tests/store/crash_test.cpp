// SPDX-License-Identifier: Apache-2.0
// A writer that is killed at any moment: every batch that it had acknowledged is there, whole, and at most the one that it was at.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "folder.h"

namespace viaduct::store::test {
namespace {

constexpr unsigned clients_count = 200;

/// Move all clients to a home of the batch's number, and tell so, until killed.
[[noreturn]] void write_until_killed(const Folder& folder, int told) {
  const auto store = open(folder);
  std::vector<Client> clients;
  for (unsigned i = 0; i < clients_count; ++i) clients.push_back(client(i));
  for (auto home = static_cast<std::uint16_t>(look(*store)->epoch() + 1);; ++home) {
    std::vector<Move> moves;
    for (const Client& c : clients) moves.push_back({c.key, c.aor, home, false});
    const std::uint32_t epoch = commit(*store, moves);
    if (epoch != home || write(told, &epoch, sizeof epoch) != sizeof epoch) _exit(1);
  }
}

/// Let a writer run for so long, kill it. Returns the last epoch that it told of; 0: none.
std::uint32_t kill_after(const Folder& folder, useconds_t duration_us) {
  int pipe_ends[2];
  EXPECT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) write_until_killed(folder, pipe_ends[1]);
  close(pipe_ends[1]);
  usleep(duration_us);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  std::uint32_t last = 0, epoch = 0;
  while (read(pipe_ends[0], &epoch, sizeof epoch) == sizeof epoch) last = epoch;
  close(pipe_ends[0]);
  return last;
}

TEST(Crash, KeepsEveryAcknowledgedBatchWhole) {
  const Folder folder;
  std::mt19937_64 random(9);
  std::uint32_t acknowledged = 0;
  for (unsigned round = 0; round < 100; ++round) {
    acknowledged = std::max(acknowledged, kill_after(folder, static_cast<useconds_t>(5'000 + random() % 20'000)));
    const auto store = open(folder);
    ASSERT_TRUE(store);
    const auto snapshot = look(*store);
    const std::uint32_t epoch = snapshot->epoch();
    ASSERT_GE(epoch, acknowledged);
    ASSERT_LE(epoch, acknowledged + 1);
    acknowledged = epoch;
    std::vector<Record> records;
    ASSERT_TRUE(snapshot->records(0, blocks_end, records));
    ASSERT_EQ(records.size(), epoch == 0 ? 0u : clients_count);
    for (const Record& r : records) ASSERT_TRUE(r.home == epoch && r.epoch == epoch);
  }
  EXPECT_GT(acknowledged, 100u) << "the writer hardly wrote";
}

}  // namespace
}  // namespace viaduct::store::test
