// SPDX-License-Identifier: Apache-2.0
// Loss of power at any moment. Every write and fsync of the store's file is recorded; then files are made as the disk could have them: what was synced, and of
// what came later any beginning, any single write, or half of one. Each must open with every acknowledged batch.
#undef _FILE_OFFSET_BITS   // else pwrite below is another symbol than LMDB's
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "folder.h"

namespace {

struct Write {
  std::size_t offset;
  std::string octets;
  bool is_synced;   // by the descriptor's own flag, when it returned
};
struct Record {
  ino_t inode{};                     // of the store's file; 0: nothing is recorded
  std::vector<Write> writes;
  std::vector<std::size_t> fsyncs;   // how many writes came before each
};
Record& record() {
  static Record the_record;
  return the_record;
}

bool is_recorded(int fd) {
  struct stat found{};
  return record().inode != 0 && fstat(fd, &found) == 0 && found.st_ino == record().inode;
}

template <typename F>
F system_own(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// LMDB calls these; the definitions of a program come before those of its libraries.
extern "C" ssize_t pwrite(int fd, const void* octets, size_t count, off_t offset) {
  if (is_recorded(fd))
    record().writes.push_back({static_cast<std::size_t>(offset), {static_cast<const char*>(octets), count}, (fcntl(fd, F_GETFL) & O_DSYNC) != 0});
  return system_own<decltype(&pwrite)>("pwrite")(fd, octets, count, offset);
}

extern "C" ssize_t writev(int fd, const iovec* parts, int count) {
  if (is_recorded(fd)) {
    auto at = static_cast<std::size_t>(lseek(fd, 0, SEEK_CUR));
    for (int i = 0; i < count; ++i) {
      record().writes.push_back({at, {static_cast<const char*>(parts[i].iov_base), parts[i].iov_len}, false});
      at += parts[i].iov_len;
    }
  }
  return system_own<decltype(&writev)>("writev")(fd, parts, count);
}

extern "C" int fdatasync(int fd) {
  const int done = system_own<decltype(&fdatasync)>("fdatasync")(fd);
  if (is_recorded(fd)) record().fsyncs.push_back(record().writes.size());
  return done;
}

namespace viaduct::store::test {
namespace {

void lay(const Write& w, std::size_t bytes, std::string& file) {
  if (file.size() < w.offset + bytes) file.resize(w.offset + bytes);
  file.replace(w.offset, bytes, w.octets, 0, bytes);
}

struct Recording {
  std::string at_start;
  std::vector<std::size_t> acknowledged;   // writes done when batch i + 1 was acknowledged
};

/// Twenty batches of clients at a home of the batch's number, some taken away.
Recording write_batches(const Folder& folder, Fsync fsync) {
  LmdbOptions options = folder.options();
  options.fsync = fsync;
  Recording run;
  static_cast<void>(open(options));
  std::ifstream in(folder.file(), std::ios::binary);
  run.at_start = {std::istreambuf_iterator<char>(in), {}};
  struct stat found{};
  stat(folder.file().c_str(), &found);
  record() = {.inode = found.st_ino, .writes = {}, .fsyncs = {}};
  const auto store = open(options);
  std::vector<Client> clients;
  for (unsigned i = 0; i < 100; ++i) clients.push_back(client(i));
  for (std::uint16_t batch = 1; batch <= 20; ++batch) {
    std::vector<Move> moves;
    for (const Client& c : clients) moves.push_back({c.key, c.aor, batch, false});
    EXPECT_EQ(commit(*store, moves), batch);
    run.acknowledged.push_back(record().writes.size());
  }
  record().inode = 0;
  return run;
}

/// The batch that a file of these octets holds, whole; nullopt when it does not open or is not whole.
std::optional<std::uint32_t> batch_in(const std::string& octets) {
  const Folder folder;
  std::ofstream(folder.file(), std::ios::binary).write(octets.data(), std::ssize(octets));
  auto store = open_lmdb(folder.options());
  if (!store) return std::nullopt;
  const auto snapshot = (*store)->snapshot();
  if (!snapshot) return std::nullopt;
  const std::uint32_t epoch = (*snapshot)->epoch();
  std::vector<viaduct::store::Record> records;
  if (!(*snapshot)->records(0, blocks_end, records) || records.size() != (epoch == 0 ? 0 : 100)) return std::nullopt;
  for (const auto& r : records)
    if (r.home != epoch) return std::nullopt;
  return epoch;
}

class PowerLoss : public testing::TestWithParam<Fsync> {
 protected:
  /// Every file that the disk could have when `done` writes were made, of which the first `safe` are synced.
  void try_all(const std::string& synced, std::size_t safe, std::size_t done, std::uint32_t least, std::uint32_t most) {
    const auto& writes = record().writes;
    const auto expect = [&](const std::string& file, const char* how) {
      const auto batch = batch_in(file);
      ASSERT_TRUE(batch) << how << " of writes " << safe << " to " << done;
      ASSERT_TRUE(*batch >= least && *batch <= most) << how << ": batch " << *batch << ", wanted " << least << " to " << most;
      ++files_;
    };
    std::string prefix = synced;
    for (std::size_t i = safe; i < done; ++i) lay(writes[i], writes[i].octets.size(), prefix);
    ASSERT_NO_FATAL_FAILURE(expect(prefix, "all"));
    if (done == safe) return;
    std::string alone = synced;
    lay(writes[done - 1], writes[done - 1].octets.size(), alone);
    // The file's length is metadata that fdatasync keeps with the data: a page written alone does not come behind the end of an older file.
    ASSERT_NO_FATAL_FAILURE(expect(alone, "the last alone"));
    std::string torn = synced;
    for (std::size_t i = safe; i + 1 < done; ++i) lay(writes[i], writes[i].octets.size(), torn);
    lay(writes[done - 1], writes[done - 1].octets.size() / 1024 * 512, torn);
    ASSERT_NO_FATAL_FAILURE(expect(torn, "the last torn"));
  }
  unsigned files_{};
};

TEST_P(PowerLoss, KeepsEveryAcknowledgedBatch) {
  const Folder folder;
  const Recording run = write_batches(folder, GetParam());
  const auto& [inode, writes, fsyncs] = record();
  ASSERT_GT(fsyncs.size(), 15u) << "nothing was recorded";
  const unsigned may_miss = GetParam() == Fsync::deferred ? 1 : 0;
  std::string synced = run.at_start;
  std::size_t safe = 0;
  std::uint32_t batches = 0;
  for (std::size_t done = 0; done <= writes.size(); ++done) {
    while (batches < run.acknowledged.size() && run.acknowledged[batches] <= done) ++batches;
    const bool is_safe = std::ranges::count(fsyncs, done) > 0 || (done > 0 && writes[done - 1].is_synced && safe + 1 == done);
    if (is_safe)
      for (; safe < done; ++safe) lay(writes[safe], writes[safe].octets.size(), synced);
    ASSERT_NO_FATAL_FAILURE(try_all(synced, safe, done, batches - std::min(batches, may_miss), std::min(batches + 1, 20u)));
  }
  EXPECT_GT(files_, 200u);
}

INSTANTIATE_TEST_SUITE_P(Fsyncs, PowerLoss, testing::Values(Fsync::full, Fsync::deferred),
                         [](const auto& fsync) { return fsync.param == Fsync::full ? "Full" : "Deferred"; });

}  // namespace
}  // namespace viaduct::store::test
