// SPDX-License-Identifier: Apache-2.0
// A million random changes against std::unordered_map, while readers check what may never be seen.
#include <gtest/gtest.h>

#include <unordered_map>

#include "fleet.h"
#include "ledger.h"
#include "readers.h"

namespace viaduct::assign::test {
namespace {

struct Hash {
  std::size_t operator()(const ClientKey& key) const { return key.low ^ key.high; }
};
struct Expected {
  HomeIndex home{};
  bool pin{};
  std::uint32_t epoch{};  // of the batch that made it so
};
using Model = std::unordered_map<ClientKey, Expected, Hash>;

void expect_like(const Model& model, const ClientKey& key, const Placement& p) {
  const auto at = model.find(key);
  if (at == model.end()) {
    ASSERT_EQ(p.layer, Layer::slot);
    return;
  }
  ASSERT_EQ(p.home, at->second.home);
  ASSERT_EQ(p.layer, at->second.pin ? Layer::pin : Layer::override_);
  ASSERT_EQ(p.epoch, at->second.epoch);
}

void note(Model& model, const Change& c, std::uint32_t epoch) {
  const auto at = model.find(c.key);
  if (c.home == no_home)
    model.erase(c.key);
  else if (at == model.end() || at->second.home != c.home || at->second.pin != c.pin)
    model[c.key] = {c.home, c.pin, epoch};
}

/// One batch of random changes, put to the model too.
std::vector<Change> random_batch(const Workload& work, std::uint32_t epoch, Model& model, std::mt19937_64& random) {
  std::vector<Change> batch;
  const std::size_t count = 1 + random() % 200;
  for (std::size_t i = 0; i < count; ++i) note(model, batch.emplace_back(work.random_change(epoch, random)), epoch);
  return batch;
}

void change_a_million(const Workload& work, Assignment& assignment, Ledger& ledger, share::Epoch& epoch, Model& model) {
  std::mt19937_64 random(1);
  for (std::size_t changes = 0; changes < 1'000'000 && !testing::Test::HasFatalFailure();) {
    const auto batch = random_batch(work, assignment.epoch() + 1, model, random);
    changes += batch.size();
    ledger.apply(batch, assignment, epoch);
    for (int i = 0; i < 20; ++i) {
      const ClientKey& key = work.moving[work.random_moving(random)];
      expect_like(model, key, assignment.find(key));
    }
  }
}

TEST(Model, AgreesAfterAMillionChangesUnderReaders) {
  const Workload work(60'000);
  share::Epoch epoch(2);
  Assignment assignment(Policy::slots, 100);
  assignment.set_slots(deal(fleet(Workload::slot_homes_count), seed), 1);
  Ledger ledger;
  Model model;
  const auto first = work.first_batch(2);
  for (const Change& c : first) note(model, c, 2);
  ledger.apply(first, assignment, epoch);
  const auto look = [&](std::mt19937_64& random) { return work.look(assignment, random); };
  const Result readers = look_while(2, look, epoch, [&] { change_a_million(work, assignment, ledger, epoch, model); });
  EXPECT_EQ(readers.fault, nullptr) << readers.fault;
  EXPECT_GT(readers.looks, 10'000u);
  EXPECT_GT(ledger.drafts(), 16u * 3) << "each shard has grown, or been made anew for its collisions, several times";
  for (const ClientKey& key : work.moving) expect_like(model, key, assignment.find(key));
  EXPECT_EQ(assignment.statistics().pins + assignment.statistics().overrides, model.size());
  EXPECT_EQ(assignment.reclaim(epoch), 0u);
}

}  // namespace
}  // namespace viaduct::assign::test
