// SPDX-License-Identifier: Apache-2.0
// The same 100 million clients in DPDK's rte_hash (lock-free readers) and in absl::flat_hash_map under a reader's lock, asked for the same keys in turns with
// ours. All three lie on transparent huge pages.
#include <absl/container/flat_hash_map.h>
#include <rte_eal.h>
#include <rte_hash.h>
#include <rte_malloc.h>
#include <sys/mman.h>

#include <array>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "assign/clients.h"
#include "assign/timing.h"
#include "viaduct/base/check.h"

namespace viaduct::bench {
namespace {

constexpr std::uint64_t clients = 100'000'000;
constexpr int rounds = 7;
constexpr std::size_t keys_count = std::size_t{1} << 23;
constexpr std::size_t burst_of_rte_hash = RTE_HASH_LOOKUP_BULK_MAX;
constexpr std::size_t keys_per_lock = 1024;  // the lock shall cost nothing here; a writer would wait for some 50 us
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// Memory as our table has it: on huge pages as far as the system has some.
void* map_huge(std::size_t bytes) {
  void* raw = mmap(nullptr, bytes + huge_page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  base::check(raw != MAP_FAILED, "no memory");
  const auto start = (reinterpret_cast<std::uintptr_t>(raw) + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
  madvise(reinterpret_cast<void*>(start), bytes, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(start);
}

// --- rte_hash

/// The keys are hashes: no time is spent on hashing them again.
std::uint32_t word_of(const void* key, std::uint32_t, std::uint32_t) { return static_cast<std::uint32_t>(static_cast<const assign::ClientKey*>(key)->low); }

class RteHash {
 public:
  RteHash() {
    std::array arguments{"viaduct_assign", "--no-huge", "--no-shconf", "-m", "64", "--no-pci", "--no-telemetry", "--log-level=4"};
    std::array<char*, arguments.size()> writable;
    std::ranges::transform(arguments, writable.begin(), [](const char* a) { return const_cast<char*>(a); });
    base::check(rte_eal_init(static_cast<int>(writable.size()), writable.data()) >= 0, "EAL does not start");
    // A heap of ours, because EAL's own has small pages on a machine without reserved huge ones.
    constexpr std::size_t heap_bytes = std::size_t{6} << 30;
    base::check(rte_malloc_heap_create("huge") == 0, "no heap");
    base::check(rte_malloc_heap_memory_add("huge", map_huge(heap_bytes), heap_bytes, nullptr, heap_bytes / huge_page_bytes, huge_page_bytes) == 0, "no memory");
    rte_hash_parameters wanted{};
    wanted.name = "clients";
    wanted.entries = clients;
    wanted.key_len = sizeof(assign::ClientKey);
    wanted.hash_func = word_of;
    wanted.socket_id = rte_malloc_heap_get_socket("huge");
    wanted.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
    table_ = rte_hash_create(&wanted);
    base::check(table_ != nullptr, "rte_hash_create");
    for (std::uint64_t i = 0; i < clients; ++i) {
      const assign::ClientKey key = key_of(i);
      base::check(rte_hash_add_key_data(table_, &key, reinterpret_cast<void*>(std::uintptr_t{home_of(key)})) == 0, "rte_hash is full");
    }
  }
  ~RteHash() { rte_hash_free(table_); }
  RteHash(const RteHash&) = delete;
  RteHash& operator=(const RteHash&) = delete;

  [[nodiscard]] std::uint64_t find_bulk(Keys keys) const {
    std::uint64_t sum = 0;
    std::array<const void*, burst_of_rte_hash> asked;
    std::array<void*, burst_of_rte_hash> homes{};
    for (std::size_t at = 0; at + burst_of_rte_hash <= keys.size(); at += burst_of_rte_hash) {
      for (std::size_t i = 0; i < burst_of_rte_hash; ++i) asked[i] = &keys[at + i];
      std::uint64_t hits = 0;
      rte_hash_lookup_bulk_data(table_, asked.data(), burst_of_rte_hash, &hits, homes.data());
      for (std::size_t i = 0; i < burst_of_rte_hash; ++i) sum += hits >> i & 1 ? reinterpret_cast<std::uintptr_t>(homes[i]) : 1;
    }
    return sum;
  }
  [[nodiscard]] static double bytes() {
    rte_malloc_socket_stats told{};
    rte_malloc_get_socket_stats(rte_malloc_heap_get_socket("huge"), &told);
    return static_cast<double>(told.heap_allocsz_bytes);
  }

 private:
  rte_hash* table_;
};

// --- absl::flat_hash_map

template <typename T>
struct HugePages {
  using value_type = T;
  HugePages() = default;
  template <typename U>
  explicit HugePages(const HugePages<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(map_huge(count * sizeof(T))); }
  void deallocate(T* at, std::size_t count) { munmap(at, count * sizeof(T)); }
  bool operator==(const HugePages&) const = default;
};

class AbslMap {
 public:
  AbslMap() {
    homes_.reserve(clients);
    for (std::uint64_t i = 0; i < clients; ++i) {
      const assign::ClientKey key = key_of(i);
      homes_.emplace(key, home_of(key));
    }
  }
  [[nodiscard]] std::uint64_t find_bulk(Keys keys) const {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < keys.size(); at += keys_per_lock) {
      const std::shared_lock reading(changing_);
      sum += find_ahead(
          keys.subspan(at, keys_per_lock), [&](const assign::ClientKey& key) { homes_.prefetch(key); },
          [&](const assign::ClientKey& key) {
            const auto found = homes_.find(key);
            return found == homes_.end() ? 1 : found->second;
          });
    }
    return sum;
  }
  /// A slot and a control octet each.
  [[nodiscard]] double bytes() const { return static_cast<double>(homes_.capacity() * (sizeof(Map::value_type) + 1)); }

 private:
  struct Hash {
    std::size_t operator()(const assign::ClientKey& key) const { return key.low; }
  };
  using Map =
      absl::flat_hash_map<assign::ClientKey, assign::HomeIndex, Hash, std::equal_to<>, HugePages<std::pair<const assign::ClientKey, assign::HomeIndex>>>;
  Map homes_;
  mutable std::shared_mutex changing_;
};

/// Ours and a peer in turns, until both have had their rounds. Sets the peer's figures, returns ours over its.
template <typename Peer>
double compare(Figures& figures, const std::string& name, const assign::Assignment& assignment, const Peer& peer, Keys keys) {
  std::vector<double> ours, theirs, ratios;
  base::check(find_bulk(assignment, keys) == peer.find_bulk(keys), "a peer finds other homes than we do");
  for (int round = 0; round < rounds; ++round) {
    ours.push_back(mps(keys, [&](Keys k) { return find_bulk(assignment, k); }));
    theirs.push_back(mps(keys, [&](Keys k) { return peer.find_bulk(k); }));
    ratios.push_back(ours.back() / theirs.back());
  }
  figures.set("beside_" + name + "_mps", median(ours));
  figures.set(name + "_mps", median(theirs));
  figures.set(name + "_bytes_per_client", peer.bytes() / static_cast<double>(clients));
  return median(ratios);
}

}  // namespace

void measure_peers(Figures& figures) {
  share::Epoch epoch(1);
  assign::Assignment assignment(assign::Policy::slots, clients);
  assignment.set_slots(std::vector<assign::HomeIndex>(base::slots_count, 1), 1);
  fill_with(assignment, clients, epoch);
  const auto keys = keys_wanted(keys_count, clients, Choice::uniform);
  figures.set("ours_bytes_per_client", static_cast<double>(assignment.statistics().bytes) / static_cast<double>(clients));
  {
    const AbslMap map;
    figures.set("vs_absl_ratio", compare(figures, "absl", assignment, map, keys));
  }
  const RteHash hash;
  figures.set("vs_rte_hash_ratio", compare(figures, "rte_hash", assignment, hash, keys));
}

}  // namespace viaduct::bench
