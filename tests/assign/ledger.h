// SPDX-License-Identifier: Apache-2.0
// The store of the tests: it knows all records, says who is new, and has shards drafted beside the writer, on a thread as the store's would be.
#pragma once
#include <atomic>
#include <map>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "viaduct/assign/assignment.h"

namespace viaduct::assign::test {

class Ledger {
 public:
  /// Write changes down under this number; sets their is_new.
  void commit(std::span<Change> changes, std::uint32_t batch) {
    for (Change& c : changes) {
      const ClientKey client = store::identity(c.key);
      const auto at = records_.find(client);
      c.is_new = at == records_.end();
      if (c.home == no_home)
        records_.erase(client);
      else if (c.is_new || at->second.home != c.home || at->second.pin != c.pin)
        records_[client] = {.client = client, .epoch = batch, .home = c.home, .pin = c.pin};
    }
  }
  /// Commit a batch, make it visible, and what is stale anew. Returns the epoch.
  std::uint32_t apply(std::vector<Change> changes, Assignment& assignment, share::Epoch& epoch) {
    const std::uint32_t batch = assignment.epoch() + 1;
    commit(changes, batch);
    for (const std::uint32_t shard : assignment.apply(changes, batch, epoch)) redraft(shard, batch, assignment, epoch);
    return assignment.epoch();
  }
  /// Meanwhile the control core goes on with what it has to do.
  void redraft(std::uint32_t shard, std::uint32_t batch, Assignment& assignment, share::Epoch& epoch) const {
    std::optional<ShardDraft> draft;
    std::atomic<bool> is_ready{false};
    std::jthread store([&] {
      draft.emplace(assignment.draft(shard, records(shard, assignment), batch));
      is_ready.store(true);
    });
    while (!is_ready.load()) assignment.reclaim(epoch);
    store.join();
    assignment.publish(std::move(*draft), epoch);
    ++drafts_;
  }
  [[nodiscard]] std::vector<store::Record> records(std::uint32_t shard, const Assignment& assignment) const {
    const std::uint64_t step = ~std::uint64_t{0} / assignment.shards_count() + 1;
    std::vector<store::Record> out;
    for (auto at = records_.lower_bound({.low = 0, .high = shard * step}); at != records_.end() && assignment.shard_of(at->first) == shard; ++at)
      out.push_back(at->second);
    return out;
  }
  [[nodiscard]] const store::Record* find(const ClientKey& key) const {
    const auto at = records_.find(store::identity(key));
    return at == records_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] std::size_t size() const { return records_.size(); }
  [[nodiscard]] std::size_t drafts() const { return drafts_; }

 private:
  struct Before {
    bool operator()(const ClientKey& a, const ClientKey& b) const { return a.high != b.high ? a.high < b.high : a.low < b.low; }
  };
  std::map<ClientKey, store::Record, Before> records_;
  mutable std::size_t drafts_{};
};

}  // namespace viaduct::assign::test
