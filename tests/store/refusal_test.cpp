// SPDX-License-Identifier: Apache-2.0
// What is not ours, not whole, not writable or not large enough: a named error, and nothing is touched.
#include <lmdb.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include "folder.h"
#include "viaduct/store/rows.h"

namespace viaduct::store::test {
namespace {

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void put_content(const std::filesystem::path& file, std::string_view octets) { std::ofstream(file, std::ios::binary).write(octets.data(), std::ssize(octets)); }

Fault fault_of(const LmdbOptions& options) {
  const auto store = open_lmdb(options);
  if (store) {
    ADD_FAILURE() << "was opened";
    return Fault::failed;
  }
  return store.error().fault;
}

/// Clients 0 to `count` - 1, at home 1.
void fill(Store& store, unsigned count) {
  std::vector<Client> clients;
  for (unsigned i = 0; i < count; ++i) clients.push_back(client(i));
  std::vector<Move> moves;
  for (const Client& c : clients) moves.push_back({c.key, c.aor, 1, false});
  commit(store, moves);
}

TEST(Refusal, LeavesAFileThatIsNoDatabase) {
  const Folder folder;
  const std::string text(20'000, 'x');
  put_content(folder.file(), text);
  EXPECT_EQ(fault_of(folder.options()), Fault::foreign);
  EXPECT_EQ(content(folder.file()), text);
}

TEST(Refusal, LeavesADatabaseThatIsNotOurs) {
  const Folder folder;
  MDB_env* env = nullptr;
  mdb_env_create(&env);
  mdb_env_open(env, folder.file().c_str(), MDB_NOSUBDIR, 0600);
  MDB_txn* txn = nullptr;
  mdb_txn_begin(env, nullptr, 0, &txn);
  MDB_dbi dbi{};
  mdb_dbi_open(txn, nullptr, 0, &dbi);
  MDB_val key{5, const_cast<char*>("theirs")}, value{4, const_cast<char*>("data")};
  mdb_put(txn, dbi, &key, &value, 0);
  ASSERT_EQ(mdb_txn_commit(txn), MDB_SUCCESS);
  mdb_env_close(env);
  const std::string before = content(folder.file());
  EXPECT_EQ(fault_of(folder.options()), Fault::foreign);
  EXPECT_EQ(content(folder.file()), before);
}

TEST(Refusal, FindsAFileThatIsCutOff) {
  const Folder folder;
  fill(*open(folder), 20'000);
  const std::string whole = content(folder.file());
  put_content(folder.file(), std::string_view(whole).substr(0, whole.size() / 2));
  EXPECT_EQ(fault_of(folder.options()), Fault::corrupt);
  put_content(folder.file(), std::string_view(whole).substr(0, 100));
  EXPECT_EQ(fault_of(folder.options()), Fault::foreign);
  put_content(folder.file(), whole);
  EXPECT_EQ(look(*open(folder))->clients(), 20'000u);
}

TEST(Refusal, FindsATornBlock) {
  const Folder folder;
  const Client alice = client(1);
  commit(*open(folder), std::vector{Move{alice.key, alice.aor, 0x7a5c, false}});
  std::string octets = content(folder.file());
  const std::size_t home = octets.find("\x5c\x7a");
  ASSERT_NE(home, octets.npos);
  octets[home] = 0x5d;
  put_content(folder.file(), octets);
  const auto store = open(folder);
  std::vector<Record> out;
  const auto read = look(*store)->records(0, blocks_end, out);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().fault, Fault::corrupt);
  auto writer = *store->begin({"test", ""});
  const auto put = writer->put({alice.key, alice.aor, 1, false});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().fault, Fault::corrupt);
}

TEST(Refusal, NamesAnotherFleetsStore) {
  const Folder folder;
  static_cast<void>(open(folder));
  LmdbOptions other = folder.options();
  other.fleet_seed = {3, 4};
  EXPECT_EQ(fault_of(other), Fault::fleet);
}

TEST(Refusal, HasOneWriter) {
  const Folder folder;
  const auto store = open(folder);
  const pid_t child = fork();
  if (child == 0) {
    const auto second = open_lmdb(folder.options());
    _exit(!second && second.error().fault == Fault::in_use ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Refusal, ReadsBesideAWriter) {
  const Folder folder;
  const auto store = open(folder);
  fill(*store, 10);
  const pid_t child = fork();
  if (child == 0) {
    LmdbOptions options = folder.options();
    options.access = Access::read;
    const auto second = open_lmdb(options);
    _exit(second && (*(*second)->snapshot())->clients() == 10 && !(*second)->begin({"", ""}) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Refusal, MakesNothingWhereThereIsNothingToRead) {
  const Folder folder;
  LmdbOptions options = folder.options();
  options.access = Access::read;
  EXPECT_EQ(fault_of(options), Fault::failed);
  EXPECT_FALSE(std::filesystem::exists(folder.file()));
}

TEST(Refusal, SaysThatTheMapIsTooSmall) {
  const Folder folder;
  LmdbOptions options = folder.options();
  options.bytes_max = 1 << 20;
  const auto store = open(options);
  fill(*store, 100);
  auto writer = *store->begin({"test", ""});
  Result<std::optional<Record>> put;
  for (unsigned i = 0; put && i < 100'000; ++i) put = writer->put({client(i).key, client(i).aor, 2, false});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().fault, Fault::map_full);
  EXPECT_NE(put.error().text.find("store.size_max"), std::string::npos);
  writer.reset();
  EXPECT_EQ(look(*store)->clients(), 100u);
  commit(*store, std::vector{Move{client(1).key, client(1).aor, 3, false}});
  EXPECT_EQ((*look(*store)->find(client(1).key))->home, 3);
}

Result<std::uint32_t> place(Store& store, unsigned first, unsigned end, std::optional<std::uint16_t> home) {
  auto writer = *store.begin({"test", "to fill it"});
  std::vector<Client> clients;
  for (unsigned i = first; i < end; ++i) clients.push_back(client(i));
  for (const Client& c : clients)
    if (const auto put = writer->put({c.key, c.aor, home, false}); !put) return std::unexpected(put.error());
  return writer->commit();
}

TEST(Refusal, TakesAwayAndChangesWhatStandsWhereTheMapIsTooSmall) {
  constexpr unsigned changed = 100, at_once = 50;
  const Folder folder;
  LmdbOptions options = folder.options();
  options.bytes_max = 1 << 20;
  options.fsync = Fsync::deferred;
  auto store = open(options);
  unsigned count = 20'000;
  while (count > 0 && !place(*store, 0, count, 1)) count -= count / 50;
  ASSERT_GT(count, 1000U);
  for (unsigned i = 0; i < changed; ++i) ASSERT_TRUE(place(*store, i, i + 1, 2)) << i;
  for (unsigned i = 0; i < changed; ++i) ASSERT_TRUE(place(*store, i, i + 1, std::nullopt)) << i;
  store.reset();
  store = open(options);
  const auto refused = place(*store, count, 2 * count, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::map_full);
  EXPECT_NE(refused.error().text.find("store.size_max"), std::string::npos);
  for (unsigned i = changed; i < count; i += at_once) ASSERT_TRUE(place(*store, i, std::min(i + at_once, count), std::nullopt)) << i;
  EXPECT_EQ(look(*store)->clients(), 0U);
  EXPECT_TRUE(place(*store, 0, count / 2, 1)) << "there is room again";
}

/// A small disk of its own, seen by nobody else; needs root.
class Disk {
 public:
  explicit Disk(const char* size) {
    EXPECT_EQ(unshare(CLONE_NEWNS), 0) << std::strerror(errno);
    mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    EXPECT_EQ(mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, size), 0) << std::strerror(errno);
  }
  ~Disk() { umount2(folder_.path().c_str(), MNT_DETACH); }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  void make_read_only() const { EXPECT_EQ(mount("tmpfs", folder_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0) << std::strerror(errno); }
  /// With one file, which leaves nothing for others.
  void fill() const {
    std::ofstream filler(folder_.path() / "filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (filler.write(page.data(), std::ssize(page)).flush()) continue;
  }
  void make_room() const { std::filesystem::remove(folder_.path() / "filler"); }
  [[nodiscard]] const Folder& folder() const { return folder_; }

 private:
  Folder folder_;
};

TEST(Refusal, SaysThatTheDiskIsFull) {
  const Disk disk("size=2m");
  const auto store = open(disk.folder());
  fill(*store, 100);
  auto writer = *store->begin({"test", ""});
  for (unsigned i = 0; i < 40'000; ++i) ASSERT_TRUE(writer->put({client(i).key, client(i).aor, 2, false}));
  const auto committed = writer->commit();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().fault, Fault::disk_full) << committed.error().text;
  writer.reset();
  EXPECT_EQ(look(*store)->clients(), 100u);
  commit(*store, std::vector{Move{client(1).key, client(1).aor, 3, false}});
  EXPECT_EQ((*look(*store)->find(client(1).key))->home, 3);
}

TEST(Refusal, ReadsFromAReadOnlyDisk) {
  const Disk disk("size=2m");
  fill(*open(disk.folder()), 100);
  disk.make_read_only();
  const auto store = open(disk.folder());
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->is_read_only());
  EXPECT_EQ(look(*store)->clients(), 100u);
  const auto writer = store->begin({"test", ""});
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().fault, Fault::read_only);
}

TEST(Refusal, MakesNoStoreOnAFullDisk) {
  const Disk disk("size=2m");
  disk.fill();
  EXPECT_EQ(fault_of(disk.folder().options()), Fault::disk_full);
  disk.make_room();
  const auto store = open(disk.folder());
  ASSERT_TRUE(store) << "what the first try has left is in nobody's way";
  EXPECT_FALSE(store->is_read_only());
}

/// A store of a hundred clients and a row, without its lock files, as one that was copied.
void make_copy_on_full(const Disk& disk) {
  fill(*open(disk.folder()), 100);
  LmdbOptions options = disk.folder().options();
  ASSERT_TRUE((*open_rows(options, "bindings"))->write(std::vector{Row{{1, 1}, "one"}}));
  for (const char* file : {"clients.mdb-lock", "bindings.mdb-lock", "writer.lock"}) std::filesystem::remove(disk.folder().path() / file);
  disk.fill();
}

TEST(Refusal, ReadsWhereAFullDiskHasNoRoomForALockFile) {
  const Disk disk("size=2m");
  make_copy_on_full(disk);
  {
    const auto store = open(disk.folder());
    ASSERT_TRUE(store);
    EXPECT_TRUE(store->is_read_only());
    EXPECT_EQ(look(*store)->clients(), 100u);
    EXPECT_EQ(store->begin({"test", ""}).error().fault, Fault::read_only);
  }
  disk.make_room();
  EXPECT_FALSE(open(disk.folder())->is_read_only());
}

TEST(Refusal, ReadsRowsWhereAFullDiskHasNoRoomForALockFile) {
  const Disk disk("size=2m");
  make_copy_on_full(disk);
  const auto rows = open_rows(disk.folder().options(), "bindings");
  ASSERT_TRUE(rows) << rows.error().text;
  unsigned count = 0;
  EXPECT_EQ(*(*rows)->each([&](const base::Hash128&, std::string_view octets) { count += octets == "one" ? 1 : 0; }), 0U);
  EXPECT_EQ(count, 1U);
  EXPECT_EQ((*rows)->write(std::vector{Row{{1, 2}, "two"}}).error().fault, Fault::read_only);
  const auto none = open_rows(disk.folder().options(), "sightings");
  ASSERT_TRUE(none) << none.error().text;
  EXPECT_EQ(*(*none)->each([](const base::Hash128&, std::string_view) { FAIL(); }), 0U);
}

/// LMDB's two heads carry no checksum: a flipped bit there can show the commit before, which is whole.
constexpr std::size_t heads_bytes = 8192;

/// What the child ends with when it has read other data as good; a sanitizer that ends it has another.
constexpr int was_accepted = 77;

TEST(Refusal, NeverAcceptsAFlippedOctetAsData) {
  const Folder folder;
  fill(*open(folder), 3'000);
  const std::string whole = content(folder.file());
  std::vector<Record> wanted;
  ASSERT_TRUE(look(*open(folder))->records(0, blocks_end, wanted));
  std::mt19937_64 random(3);
  for (unsigned round = 0; round < 500; ++round) {
    std::string octets = whole;
    const std::size_t at = heads_bytes + random() % (octets.size() - heads_bytes);
    octets[at] = static_cast<char>(octets[at] ^ (1 << random() % 8));
    put_content(folder.file(), octets);
    // In a process of its own: LMDB may end it over a broken page, and that is no data either.
    const pid_t child = fork();
    if (child == 0) {
      const auto store = open_lmdb(folder.options());
      if (!store) _exit(0);
      std::vector<Record> out;
      auto snapshot = (*store)->snapshot();
      // Who reads all of it compares with the number that is kept apart: a broken page may hide whole blocks.
      _exit(!snapshot || !(*snapshot)->records(0, blocks_end, out) || out == wanted || out.size() != (*snapshot)->clients() ? 0 : was_accepted);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) == was_accepted) << "octet " << at;
  }
}

}  // namespace
}  // namespace viaduct::store::test
