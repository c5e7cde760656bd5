// SPDX-License-Identifier: Apache-2.0
// `assign_stress [SECONDS]`: one writer, a thread that drafts, three readers, growth all the time; for a build with ThreadSanitizer. Ends with 1 when a reader saw what may not be.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "fleet.h"
#include "ledger.h"
#include "readers.h"

namespace viaduct::assign::test {
namespace {

constexpr unsigned readers_count = 3;
using Clock = std::chrono::steady_clock;

/// Fill an empty table to the workload's size while changing it at random: it goes through several growths.
void fill(const Workload& work, Assignment& assignment, Ledger& ledger, share::Epoch& epoch) {
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < work.moving.size(); i += 64) {
    std::vector<Change> batch;
    const std::uint32_t next = assignment.epoch() + 1;
    for (std::size_t k = i; k < std::min(i + 64, work.moving.size()); ++k) {
      batch.push_back({work.moving[k], Workload::moving_home(next), false});
      batch.push_back(work.random_change(next, random));
    }
    ledger.apply(batch, assignment, epoch);
  }
}

Result change_under_readers(const Workload& work) {
  share::Epoch epoch(readers_count);
  Assignment assignment(Policy::slots, 0);
  assignment.set_slots(deal(fleet(Workload::slot_homes_count), seed), 1);
  Ledger ledger;
  ledger.apply(work.first_batch(2), assignment, epoch);
  const auto look = [&](std::mt19937_64& random) { return work.look(assignment, random); };
  return look_while(readers_count, look, epoch, [&] { fill(work, assignment, ledger, epoch); });
}

/// A client looked up alone, or as a burst: they take different ways past a writer.
Placement find_either_way(const Assignment& assignment, const ClientKey& key, std::mt19937_64& random) {
  if (random() % 2) return assignment.find(key);
  Placement found;
  assignment.find({&key, 1}, {&found, 1});
  return found;
}

/// Change two clients as fast as one writer can, so that readers meet each store between the others.
/// Shape: fewer batches than half a round of epochs, because a reader may sleep through all of them.
Result change_two_under_readers(unsigned batches) {
  const auto clients = random_keys(2, 8);
  share::Epoch epoch(readers_count);
  Assignment assignment(Policy::slots, 0);
  assignment.set_slots(deal(fleet(1), seed), 1);
  Ledger ledger;
  const auto look = [&](std::mt19937_64& random) { return Workload::fault_of_moving(find_either_way(assignment, clients[random() % 2], random)); };
  return look_while(readers_count, look, epoch, [&] {
    for (unsigned i = 0; i < batches; ++i) {
      const Change change{clients[i % 2], Workload::moving_home(assignment.epoch() + 1), false};
      ledger.apply({change}, assignment, epoch);
    }
  });
}

/// Insert some clients, deal the slots anew, remove the clients: three batches, again and again. While slots are dealt these clients have entries, so
/// their slot may answer with the epoch of a removal only (every third), never with that of a deal.
Result deal_under_readers(unsigned cycles) {
  const auto clients = random_keys(4, 9);
  share::Epoch epoch(readers_count);
  Assignment assignment(Policy::slots, 0);
  Ledger ledger;
  const auto slots = deal(fleet(1), seed);
  const auto cycle = [&] {
    std::vector<Change> come, go;
    for (const ClientKey& key : clients) {
      come.push_back({key, 1000, false});
      go.push_back({key, no_home, false});
    }
    ledger.apply(come, assignment, epoch);
    assignment.set_slots(slots, assignment.epoch() + 1);
    ledger.apply(go, assignment, epoch);
  };
  const auto look = [&](std::mt19937_64& random) {
    const Placement p = find_either_way(assignment, clients[random() % clients.size()], random);
    return p.layer == Layer::slot && p.epoch % 3 != 0 ? "a slot dealt later signs over an entry" : nullptr;
  };
  cycle();
  return look_while(readers_count, look, epoch, [&] {
    for (unsigned i = 0; i < cycles; ++i) cycle();
  });
}

int run(std::chrono::seconds duration) {
  const Workload work(20'000);
  const auto end = Clock::now() + duration;
  std::uint64_t looks = 0;
  for (unsigned round = 0; Clock::now() < end; ++round) {
    const Result result = round % 16 == 0 ? change_under_readers(work) : round % 16 == 1 ? deal_under_readers(100) : change_two_under_readers(15'000);
    looks += result.looks;
    if (!result.fault) continue;
    std::fprintf(stderr, "assign_stress: %s\n", result.fault);
    return 1;
  }
  if (looks == 0) {
    std::puts("assign_stress: nobody has looked, so nothing is shown");
    return 1;
  }
  std::printf("assign_stress: %llu looks, nothing wrong\n", static_cast<unsigned long long>(looks));
  return 0;
}

}  // namespace
}  // namespace viaduct::assign::test

int main(int argc, char** argv) { return viaduct::assign::test::run(std::chrono::seconds(argc > 1 ? std::atoi(argv[1]) : 5)); }
