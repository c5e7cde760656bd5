// SPDX-License-Identifier: Apache-2.0
// A million random changes against std::unordered_map, while readers check what may never be seen.
#include <gtest/gtest.h>

#include <unordered_map>

#include "fleet.h"
#include "readers.h"

namespace viaduct::assign::test {
namespace {

struct Hash {
  std::size_t operator()(const ClientKey& key) const { return key.low ^ key.high; }
};
using Model = std::unordered_map<ClientKey, Change, Hash>;

void expect_like(const Model& model, const ClientKey& key, const Placement& p) {
  const auto at = model.find(key);
  if (at == model.end()) {
    ASSERT_EQ(p.layer, Layer::slot);
    return;
  }
  ASSERT_EQ(p.home, at->second.home);
  ASSERT_EQ(p.layer, at->second.pin ? Layer::pin : Layer::override_);
}

/// One batch of random changes, put to the model too.
std::vector<Change> random_batch(const Workload& work, std::uint32_t epoch, Model& model, std::mt19937_64& random) {
  std::vector<Change> batch;
  const std::size_t count = 1 + random() % 200;
  for (std::size_t i = 0; i < count; ++i) {
    const Change c = batch.emplace_back(work.random_change(epoch, random));
    if (c.home == no_home)
      model.erase(c.key);
    else
      model[c.key] = c;
  }
  return batch;
}

void change_a_million(const Workload& work, Assignment& assignment, share::Epoch& epoch, Model& model) {
  std::mt19937_64 random(1);
  for (std::size_t changes = 0; changes < 1'000'000 && !testing::Test::HasFatalFailure();) {
    const auto batch = random_batch(work, assignment.epoch() + 1, model, random);
    changes += batch.size();
    assignment.apply(batch, epoch);
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
  assignment.deal_slots(fleet(Workload::slot_homes_count), seed);
  Model model;
  for (const Change& c : work.first_batch(assignment.epoch() + 1)) model[c.key] = c;
  assignment.apply(work.first_batch(assignment.epoch() + 1), epoch);
  const auto look = [&](std::mt19937_64& random) { return work.look(assignment, random); };
  const Result readers = look_while(2, look, epoch, [&] { change_a_million(work, assignment, epoch, model); });
  EXPECT_EQ(readers.fault, nullptr) << readers.fault;
  EXPECT_GT(readers.looks, 10'000u);
  for (const ClientKey& key : work.moving) expect_like(model, key, assignment.find(key));
  EXPECT_EQ(assignment.statistics().pins + assignment.statistics().overrides, model.size());
  EXPECT_EQ(assignment.reclaim(epoch), 0u);
}

}  // namespace
}  // namespace viaduct::assign::test
