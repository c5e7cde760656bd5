// SPDX-License-Identifier: Apache-2.0
// Writing behind: what the store refuses is kept until it is taken, and nobody waits for it.
#include "viaduct/registrar/keeper.h"

#include <gtest/gtest.h>

#include <atomic>

#include "register.h"

namespace viaduct::registrar::test {
namespace {

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

TEST(Keeper, KeepsWhatTheStoreRefusesUntilItIsTaken) {
  assign::LocationMap locations{16};
  Bindings bindings{{}, locations, base::Key128{7}};
  std::atomic<int> written{};
  Keeper keeper("registrations", changed_bindings(bindings), std::make_unique<FullFor>(1, written));
  Register request;
  request.contact("<sip:a@h>");
  const base::Endpoint flow{base::Address::v4({192, 0, 2, 9}), 5060};
  EXPECT_EQ(bindings.process({.message = request.indexed(), .aor = "alice@example.com", .key = {1, 2}, .flow = flow, .next = flow}, 1000).status, 200);
  keeper.tick();
  keeper.finish();
  EXPECT_EQ(written, 1);
}

}  // namespace
}  // namespace viaduct::registrar::test
