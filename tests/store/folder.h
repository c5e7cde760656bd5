// SPDX-License-Identifier: Apache-2.0
// A folder for one test's store, and clients to put into it.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "viaduct/store/lmdb.h"

namespace viaduct::store::test {

inline constexpr base::Key128 seed{1, 2};

/// Removed with everything in it.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "viaduct-store-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path file() const { return path_ / "clients.mdb"; }
  [[nodiscard]] LmdbOptions options() const { return {.folder = path_, .bytes_max = std::uint64_t{1} << 30, .fleet_seed = seed}; }

 private:
  std::filesystem::path path_;
};

inline std::unique_ptr<Store> open(const LmdbOptions& options) {
  auto store = open_lmdb(options);
  if (!store) ADD_FAILURE() << store.error().text;
  return store ? std::move(*store) : nullptr;
}
inline std::unique_ptr<Store> open(const Folder& folder) { return open(folder.options()); }

struct Client {
  std::string aor;
  base::Hash128 key;
};
inline Client client(unsigned i) {
  const std::string aor = "user" + std::to_string(i) + "@example.com";
  return {aor, base::siphash128(seed, aor)};
}

/// Commit one batch of moves made by `author`. Returns the epoch.
template <typename Moves>
std::uint32_t commit(Store& store, const Moves& moves, const Author& author = {"test", "to see"}) {
  auto writer = store.begin(author);
  EXPECT_TRUE(writer) << writer.error().text;
  for (const Move& m : moves) {
    const auto put = (*writer)->put(m);
    EXPECT_TRUE(put) << put.error().text;
  }
  const auto epoch = (*writer)->commit();
  EXPECT_TRUE(epoch) << epoch.error().text;
  return *epoch;
}

inline std::unique_ptr<Snapshot> look(const Store& store) {
  auto snapshot = store.snapshot();
  EXPECT_TRUE(snapshot) << snapshot.error().text;
  return std::move(*snapshot);
}

inline constexpr std::uint32_t blocks_end = std::uint32_t{1} << block_bits;

}  // namespace viaduct::store::test
