// SPDX-License-Identifier: Apache-2.0
// Octets a client as the system counts them: drafted to 90 million, then grown client by client, shard after shard, to 150 million.
#include <malloc.h>

#include <fstream>

#include "assign/clients.h"
#include "assign/timing.h"
#include "viaduct/assign/fill.h"
#include "viaduct/base/check.h"

namespace viaduct::bench {
namespace {

constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t batch_clients = 100'000;
constexpr std::size_t page_bytes = 4096;

/// Octets of this process that are in memory, without what was only used to make records.
std::size_t resident() {
  malloc_trim(0);
  std::size_t all{}, pages{};
  std::ifstream("/proc/self/statm") >> all >> pages;
  return pages * page_bytes;
}

class Growth {
 public:
  explicit Growth(Figures& figures) : figures_(figures), before_(resident()), assignment_(assign::Policy::slots, 100 * million) {}

  void fill(std::uint64_t clients) {
    fill_with(assignment_, clients_ = clients, epoch_);
    tell();
  }
  void grow(std::uint64_t clients) {
    while (clients_ < clients) add_batch();
    tell();
  }
  void tell_peak() { figures_.set("bytes_per_client_growing", peak_); }

 private:
  [[nodiscard]] double per_client() const { return static_cast<double>(resident() - before_) / static_cast<double>(clients_); }
  void tell() {
    const std::string size = std::to_string(clients_ / million) + "M";
    figures_.set(clients_ == 100 * million ? "bytes_per_client" : "bytes_per_client_" + size, per_client());
    figures_.set("bytes_per_client_told_" + size, static_cast<double>(assignment_.statistics().bytes) / static_cast<double>(clients_));
  }
  void add_batch() {
    std::vector<assign::Change> changes;
    for (std::uint64_t i = 0; i < batch_clients; ++i) {
      const assign::ClientKey key = key_of(clients_ + i);
      changes.push_back({.key = key, .home = home_of(key), .is_new = true});
    }
    clients_ += batch_clients;
    const auto stale = assignment_.apply(changes, ++batch_, epoch_);
    changes = {};
    for (const std::uint32_t shard : stale) redraft(shard);
  }
  /// The peak is just before a shard is published, when the old one and the new are there.
  void redraft(std::uint32_t shard) {
    auto records = records_of(assignment_, shard, shard + 1, clients_);
    std::ranges::sort(records, {}, [](const store::Record& r) { return std::pair(r.client.high, r.client.low); });
    auto draft = assignment_.draft(shard, records, batch_);
    records = {};
    peak_ = std::max(peak_, per_client());
    assignment_.publish(std::move(draft), epoch_);
  }

  Figures& figures_;
  std::size_t before_;
  share::Epoch epoch_{1};
  assign::Assignment assignment_;
  std::uint64_t clients_{};
  std::uint32_t batch_{1};
  double peak_{};
};

}  // namespace

void measure_memory(Figures& figures) {
  Growth growth(figures);
  growth.fill(90 * million);
  growth.grow(100 * million);
  growth.grow(110 * million);
  growth.grow(150 * million);
  growth.tell_peak();
}

}  // namespace viaduct::bench
