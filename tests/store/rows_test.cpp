// SPDX-License-Identifier: Apache-2.0
// Rows by client key: over a reopening, all or none, and what is not ours.
#include "viaduct/store/rows.h"

#include <fstream>
#include <map>

#include "earlier.h"
#include "folder.h"

namespace viaduct::store::test {
namespace {

class RowsTest : public testing::Test {
 protected:
  RowsTest() : rows(*open_rows(options(), "rows")) {}
  [[nodiscard]] LmdbOptions options() const {
    return {.folder = folder.path(), .bytes_max = std::uint64_t{1} << 20, .fsync = Fsync::deferred, .access = Access::write};
  }
  using All = std::map<std::uint64_t, std::string>;
  [[nodiscard]] All all() const {
    All out;
    EXPECT_EQ(*rows->each([&](const base::Hash128& key, std::string_view octets) { out[key.high] = octets; }), 0U);
    return out;
  }
  void reopen() {
    rows.reset();
    rows = *open_rows(options(), "rows");
  }

  Folder folder;
  std::unique_ptr<Rows> rows;
};

TEST_F(RowsTest, KeepsReplacesAndRemoves) {
  ASSERT_TRUE(rows->write(std::vector{Row{{1, 1}, "one"}, Row{{1, 2}, "two"}, Row{{1, 3}, "three"}}));
  ASSERT_TRUE(rows->write(std::vector{Row{{1, 2}, "second"}, Row{{1, 3}, ""}, Row{{1, 4}, ""}}));
  reopen();
  EXPECT_EQ(all(), (All{{1, "one"}, {2, "second"}}));
}

TEST_F(RowsTest, ChangesNothingWhenTheFileIsFull) {
  ASSERT_TRUE(rows->write(std::vector{Row{{1, 1}, "one"}}));
  std::vector<Row> many(1000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = {{2, i}, std::string(3000, 'x')};
  EXPECT_EQ(rows->write(many).error().fault, Fault::map_full);
  EXPECT_EQ(all(), (All{{1, "one"}}));
  EXPECT_TRUE(rows->write(std::vector{Row{{1, 2}, "two"}})) << "and goes on";
}

TEST_F(RowsTest, TakesAwayAndReplacesWhenTheFileIsFull) {
  constexpr std::size_t changed = 50;
  const auto row = [](std::size_t i, char c) { return Row{{2, i}, std::string(300, c)}; };
  std::vector<Row> most;
  for (std::size_t i = 0; i < 5000; ++i) most.push_back(row(i, 'a'));
  while (!most.empty() && !rows->write(most)) most.resize(most.size() - most.size() / 50);
  ASSERT_GT(most.size(), 1000U);
  for (std::size_t i = 0; i < changed; ++i) ASSERT_TRUE(rows->write(std::vector{row(20 * i, 'b')})) << i;
  for (std::size_t i = 0; i < changed; ++i) ASSERT_TRUE(rows->write(std::vector{Row{{2, 20 * i}, ""}})) << i;
  reopen();
  std::vector<Row> more;
  for (std::size_t i = 0; i < most.size(); ++i) more.push_back(row(most.size() + i, 'a'));
  const auto refused = rows->write(more);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::map_full);
  for (Row& gone : most) gone.octets.clear();
  for (std::size_t i = 0; i < most.size(); i += 20) ASSERT_TRUE(rows->write(std::span(most).subspan(i, std::min<std::size_t>(20, most.size() - i)))) << i;
  EXPECT_EQ(all(), All{});
  for (std::size_t i = 0; i < most.size() / 2; ++i) most[i] = row(i, 'c');
  EXPECT_TRUE(rows->write(std::span(most).first(most.size() / 2))) << "there is room again";
}

TEST_F(RowsTest, CountsRowsWhoseChecksumIsWrong) {
  ASSERT_TRUE(rows->write(std::vector{Row{{1, 1}, "a row to be spoilt"}, Row{{1, 2}, "two"}}));
  rows.reset();
  const auto file = folder.path() / "rows.mdb";
  std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
  std::string octets{std::istreambuf_iterator<char>(f), {}};
  std::size_t spoilt = 0;
  for (std::size_t at = octets.find("spoilt"); at != std::string::npos; at = octets.find("spoilt", at + 1), ++spoilt) octets[at] = 'S';
  ASSERT_GT(spoilt, 0U);
  f.seekp(0);
  f << octets;
  f.close();
  rows = *open_rows(options(), "rows");
  All read;
  EXPECT_EQ(*rows->each([&](const base::Hash128& key, std::string_view row) { read[key.high] = row; }), 1U);
  EXPECT_EQ(read, (All{{2, "two"}}));
}

TEST_F(RowsTest, AreOfOneFleet) {
  ASSERT_TRUE(rows->write(std::vector{Row{{1, 1}, "one"}}));
  LmdbOptions other = options();
  other.fleet_seed = {3, 4};
  rows.reset();
  const auto refused = open_rows(other, "rows");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::fleet);
  reopen();
  EXPECT_EQ(all(), (All{{1, "one"}}));
}

TEST_F(RowsTest, OfAnEarlierBuildAreTakenForThisFleets) {
  ASSERT_TRUE(rows->write(std::vector{Row{{1, 1}, "one"}}));
  rows.reset();
  take_away(options(), folder.path() / "rows.mdb", "meta", "seed");
  reopen();
  EXPECT_EQ(all(), (All{{1, "one"}}));
  rows.reset();
  LmdbOptions other = options();
  other.fleet_seed = {3, 4};
  EXPECT_FALSE(open_rows(other, "rows")) << "it says so since";
}

TEST_F(RowsTest, RefusesWhatIsNotIts) {
  std::ofstream(folder.path() / "letter.mdb") << std::string(8192, 'x');
  EXPECT_FALSE(open_rows(options(), "letter"));
  auto store = open(folder);
  store.reset();
  EXPECT_EQ(open_rows(options(), "clients").error().fault, Fault::foreign);
}

}  // namespace
}  // namespace viaduct::store::test
