// SPDX-License-Identifier: Apache-2.0
#include "viaduct/store/rows.h"

#include "block.h"
#include "environment.h"
#include "tables.h"

namespace viaduct::store {
namespace {

constexpr const char* table_name = "rows";
constexpr const char* meta_name = "meta";
constexpr std::string_view seed_key = "seed";
constexpr std::uint64_t seed_place = 0x64656573;  // "seed"

MDB_val key_of_client(const base::Hash128& key) { return {sizeof key, const_cast<base::Hash128*>(&key)}; }
std::uint64_t place_of(const base::Hash128& key) { return key.high ^ key.low; }

class LmdbRows final : public Rows {
 public:
  LmdbRows(Environment env, MDB_dbi table) : env_(std::move(env)), table_(table) {}

  [[nodiscard]] Result<void> write(std::span<const Row> rows) override {
    return attempt([&] {
      Transaction txn = begin_transaction(env_.get(), 0);
      const std::size_t pages_before = pages_of(txn.get(), table_);
      for (const Row& row : rows) write_one(txn.get(), row);
      const bool is_larger = pages_of(txn.get(), table_) > pages_before;
      if (!leaves(is_larger ? reserve_bytes : last_reserve_bytes, txn.get(), {&table_, 1})) require(MDB_MAP_FULL, "write rows");
      commit(std::move(txn), "commit rows");
    });
  }

  [[nodiscard]] Result<std::vector<bool>> stand(std::span<const Row> rows) const override {
    return attempt([&] {
      const Transaction txn = begin_transaction(env_.get(), MDB_RDONLY);
      std::vector<bool> out;
      for (const Row& row : rows) out.push_back(get(txn.get(), table_, key_of_client(row.key)).has_value());
      return out;
    });
  }

  [[nodiscard]] Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>& f) const override {
    return attempt([&] {
      const Transaction txn = begin_transaction(env_.get(), MDB_RDONLY);
      const Cursor cursor = open_cursor(txn.get(), table_);
      std::uint64_t broken = 0;
      MDB_val key, value;
      int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST);
      for (; code == MDB_SUCCESS; code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) {
        const auto client = number_of<base::Hash128>(key);
        if (const auto octets = unsealed(place_of(client), octets_of(value)))
          f(client, *octets);
        else
          ++broken;
      }
      if (code != MDB_NOTFOUND) require(code, "read rows");
      return broken;
    });
  }

 private:
  void write_one(MDB_txn* txn, const Row& row) const {
    MDB_val key = key_of_client(row.key);
    if (row.octets.empty()) {
      if (const int code = mdb_del(txn, table_, &key, nullptr); code != MDB_NOTFOUND) require(code, "remove a row");
      return;
    }
    std::string sealed = row.octets;
    seal(place_of(row.key), sealed);
    MDB_val value = value_of(sealed);
    require(mdb_put(txn, table_, &key, &value, 0), "write a row");
  }

  Environment env_;
  MDB_dbi table_;
};

class ReadOnlyRows final : public Rows {
 public:
  /// `rows` is null where there is no file.
  ReadOnlyRows(std::unique_ptr<LmdbRows> rows, std::filesystem::path file) : rows_(std::move(rows)), file_(std::move(file)) {}

  [[nodiscard]] Result<void> write(std::span<const Row>) override { return std::unexpected(not_writable(file_)); }
  [[nodiscard]] Result<std::vector<bool>> stand(std::span<const Row> rows) const override {
    return rows_ ? rows_->stand(rows) : Result<std::vector<bool>>(std::vector<bool>(rows.size()));
  }
  [[nodiscard]] Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>& f) const override {
    return rows_ ? rows_->each(f) : Result<std::uint64_t>(0);
  }

 private:
  std::unique_ptr<LmdbRows> rows_;
  std::filesystem::path file_;
};

/// Rows of clients under another seed are nobody's. A file that an earlier build has written does not say: it is taken for this fleet's, and says so from now on,
/// as soon as there is room for that on the disk.
void check_fleet(MDB_env* env, const LmdbOptions& o, const std::filesystem::path& file) {
  const std::uint64_t mark = seed_mark(o.fleet_seed);
  std::string row(reinterpret_cast<const char*>(&mark), sizeof mark);
  seal(seed_place, row);
  MDB_dbi meta{};
  if (const Transaction look = begin_transaction(env, MDB_RDONLY); mdb_dbi_open(look.get(), meta_name, 0, &meta) == MDB_SUCCESS) {
    const auto found = get(look.get(), meta, value_of(seed_key));
    if (found == row) return;
    if (found && unsealed(seed_place, *found))
      throw Failure{{Fault::fleet, "store: " + file.string() + ": was written under another fleet.seed: it is of no use here, and can be removed"}};
    if (found) fail_corrupt(file.string());
  }
  if (o.access == Access::read) return;
  [[maybe_unused]] const auto written = attempt([&] {
    Transaction txn = begin_transaction(env, 0);
    require(mdb_dbi_open(txn.get(), meta_name, MDB_CREATE, &meta), "mark");
    MDB_val key = value_of(seed_key);
    MDB_val value = value_of(row);
    require(mdb_put(txn.get(), meta, &key, &value, 0), "mark");
    commit(std::move(txn), "mark");
  });
}

}  // namespace

namespace {

MDB_dbi open_table(MDB_txn* txn, unsigned flags, const std::filesystem::path& file) {
  MDB_dbi table{};
  const int code = mdb_dbi_open(txn, table_name, flags, &table);
  if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE) throw Failure{{Fault::foreign, "store: " + file.string() + ": not a file of Viaduct's"}};
  require(code, file.string());
  return table;
}

std::unique_ptr<Rows> open_to_write(const LmdbOptions& options, const std::filesystem::path& file) {
  Environment env = open_environment(options, file, 0);
  check_whole(env.get(), file);
  Transaction txn = begin_transaction(env.get(), 0);
  const MDB_dbi table = open_table(txn.get(), is_empty(txn.get()) ? MDB_CREATE : 0, file);
  commit(std::move(txn), file.string());
  check_fleet(env.get(), options, file);
  return std::make_unique<LmdbRows>(std::move(env), table);
}

/// What is there of a file that cannot be written.
std::unique_ptr<Rows> open_to_read(const LmdbOptions& options, const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::make_unique<ReadOnlyRows>(nullptr, file);
  Environment env = open_environment(options, file, MDB_RDONLY);
  check_whole(env.get(), file);
  Transaction txn = begin_transaction(env.get(), MDB_RDONLY);
  if (is_empty(txn.get())) return std::make_unique<ReadOnlyRows>(nullptr, file);
  const MDB_dbi table = open_table(txn.get(), 0, file);
  require(mdb_txn_commit(txn.release()), file.string());  // or the table would be closed again
  check_fleet(env.get(), options, file);
  return std::make_unique<ReadOnlyRows>(std::make_unique<LmdbRows>(std::move(env), table), file);
}

}  // namespace

Result<std::unique_ptr<Rows>> open_rows(const LmdbOptions& options, std::string_view name) {
  const std::filesystem::path file = options.folder / (std::string(name) + ".mdb");
  if (options.access == Access::write) {
    auto rows = attempt([&] { return open_to_write(options, file); });
    if (rows || rows.error().fault != Fault::disk_full) return rows;
  }
  return attempt([&] { return open_to_read(options, file); });
}

}  // namespace viaduct::store
