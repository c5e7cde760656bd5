// SPDX-License-Identifier: Apache-2.0
// Writing behind: what the store refuses is kept until it is taken, and nobody waits for it.
#include "viaduct/registrar/keeper.h"

#include <gtest/gtest.h>

#include <atomic>

#include "../location/register.h"

namespace viaduct::registrar::test {
namespace {

using location::test::Register;

/// A disk that is full for so many writes.
class FullFor final : public store::Rows {
 public:
  FullFor(int refusals, std::atomic<int>& written) : refusals_(refusals), written_(written) {}
  store::Result<void> write(std::span<const store::Row> rows) override {
    if (refusals_-- > 0) return std::unexpected(store::Error{store::Fault::disk_full, "no room"});
    written_ += static_cast<int>(rows.size());
    return {};
  }
  store::Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>&) const override { return 0; }

 private:
  int refusals_;
  std::atomic<int>& written_;
};

/// One client's bindings, and a keeper of them whose store is full for so many writes.
struct Kept {
  explicit Kept(int refusals) : keeper("registrations", changed_bindings(bindings), std::make_unique<FullFor>(refusals, written)) {}
  void enrol(unsigned client) {
    Register request;
    request.contact("<sip:a@h>");
    const base::Endpoint flow{base::Address::v4({192, 0, 2, 9}), 5060};
    EXPECT_EQ(bindings.process({.message = request.indexed(), .aor = "alice@example.com", .key = {client, 2}, .flow = flow, .next = flow}, 1000).status, 200);
  }
  assign::LocationMap locations{16};
  location::Bindings bindings{{}, locations, base::Key128{7}};
  std::atomic<int> written{};
  Keeper keeper;
};

TEST(Keeper, SaysWhenWhatHadChangedIsWritten) {
  Kept kept(1);
  kept.enrol(1);
  const std::uint64_t mark = kept.keeper.mark();
  EXPECT_FALSE(kept.keeper.wait(mark, std::chrono::milliseconds(10))) << "nobody has handed it over";
  kept.keeper.tick();
  EXPECT_TRUE(kept.keeper.wait(mark, std::chrono::seconds(30))) << "at the second try";
  EXPECT_EQ(kept.written, 1);
}

TEST(Keeper, WaitsForNoPeriodWhenItIsMarked) {
  Kept kept(0);
  kept.enrol(1);
  kept.keeper.tick();
  ASSERT_TRUE(kept.keeper.wait(0, std::chrono::seconds(30)));
  const std::uint64_t first = kept.keeper.mark();
  for (int i = 0; i < 1'000 && !kept.keeper.wait(first, std::chrono::milliseconds(1)); ++i) kept.keeper.tick();
  EXPECT_EQ(kept.written, 1) << "a mark with nothing to write is written at once";
  kept.enrol(2);
  const std::uint64_t second = kept.keeper.mark();
  kept.keeper.tick();
  EXPECT_TRUE(kept.keeper.wait(second, std::chrono::milliseconds(500)));
  EXPECT_EQ(kept.written, 2);
}

TEST(Keeper, KeepsWhatTheStoreRefusesUntilItIsTaken) {
  Kept kept(1);
  kept.enrol(1);
  kept.keeper.tick();
  kept.keeper.finish();
  EXPECT_EQ(kept.written, 1);
}

}  // namespace
}  // namespace viaduct::registrar::test
