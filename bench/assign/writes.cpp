// SPDX-License-Identifier: Apache-2.0
// What readers lose while their table is written: their look-ups a second beside a writer of 100,000 changes a second, against the same readers beside a
// writer of equal work on a table of its own. In turns, in pairs.
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "assign/clients.h"
#include "assign/timing.h"
#include "viaduct/base/check.h"

namespace viaduct::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int pairs = 60;
constexpr auto turn = std::chrono::milliseconds(250);
constexpr std::uint64_t changes_per_batch = 100;
constexpr auto batch_every = std::chrono::milliseconds(1);
constexpr std::size_t keys_count = std::size_t{1} << 22, keys_per_look = 1024;  // then the reader is quiescent
constexpr unsigned reader_cpu = 1, writer_cpu = 0;

void run_on(unsigned cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/// A table and what is to be written into it: of ten changes eight move a client, one takes an entry away and one gives it back.
class Written {
 public:
  explicit Written(std::uint64_t clients) : clients_(clients), assignment_(assign::Policy::slots, clients) {
    assignment_.set_slots(std::vector<assign::HomeIndex>(base::slots_count, 1), 1);
    fill_with(assignment_, clients, epoch_);
    epoch_.enter(0);
  }
  ~Written() { epoch_.leave(0); }
  void write_batch() {
    std::vector<assign::Change> changes;
    for (std::uint64_t i = 0; i < changes_per_batch; ++i) changes.push_back(next());
    base::check(assignment_.apply(changes, assignment_.epoch() + 1, epoch_).empty(), "a shard that grows spoils the measurement");
  }
  /// The reader's.
  void quiescent() { epoch_.quiescent(0); }
  [[nodiscard]] const assign::Assignment& read() const { return assignment_; }

 private:
  assign::Change next() {
    const std::uint64_t number = count_++;
    const auto home = static_cast<assign::HomeIndex>(random_() % homes_count);
    const std::uint64_t leaver = number / 10 % (clients_ / 10);  // of the first tenth, who are not moved
    if (number % 10 == 0) return {.key = key_of(leaver)};
    if (number % 10 == 1) return {.key = key_of(leaver), .home = home, .is_new = true};
    return {.key = key_of(clients_ / 10 + random_() % (clients_ - clients_ / 10)), .home = home};
  }

  std::uint64_t clients_;
  share::Epoch epoch_{1};
  assign::Assignment assignment_;
  std::mt19937_64 random_{1};
  std::uint64_t count_{};
};

/// Writes into the table that it is pointed to, until it is stopped.
class Writer {
 public:
  explicit Writer(Written& first) : target_(&first), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  void write_into(Written& table) { target_.store(&table, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t batches() const { return batches_.load(std::memory_order_relaxed); }

 private:
  void run(const std::stop_token& stop) {
    run_on(writer_cpu);
    for (auto next = Clock::now(); !stop.stop_requested(); next += batch_every) {
      std::this_thread::sleep_until(next);
      target_.load(std::memory_order_relaxed)->write_batch();
      batches_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  std::atomic<Written*> target_;
  std::atomic<std::uint64_t> batches_{};
  std::jthread thread_;
};

/// Millions of look-ups a second of the reader's CPU time, for one turn.
double read_for_a_turn(Written& shared, Written& other, Keys keys, std::size_t& at) {
  const auto end = Clock::now() + turn;
  const double from = cpu_seconds();
  std::uint64_t looked = 0;
  for (; Clock::now() < end; looked += keys_per_look) {
    at = (at + keys_per_look) % keys.size();
    benchmark::DoNotOptimize(find_bulk(shared.read(), keys.subspan(at, keys_per_look)));
    shared.quiescent();
    other.quiescent();
  }
  return static_cast<double>(looked) / (cpu_seconds() - from) / 1e6;
}

void measure(Figures& figures, const std::string& size, std::uint64_t clients) {
  run_on(reader_cpu);
  Written shared(clients), other(clients);
  const auto keys = keys_wanted(keys_count, clients, Choice::uniform);
  std::size_t at = 0;
  Writer writer(other);
  std::vector<double> losses;
  const auto began = Clock::now();
  const std::uint64_t batches_before = writer.batches();
  for (int pair = 0; pair < pairs; ++pair) {
    double rate[2];
    for (const bool is_shared : {pair % 2 == 0, pair % 2 != 0}) {
      writer.write_into(is_shared ? shared : other);
      rate[is_shared] = read_for_a_turn(shared, other, keys, at);
    }
    losses.push_back(1 - rate[true] / rate[false]);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  double mean = 0, squares = 0;
  for (const double loss : losses) mean += loss / pairs;
  for (const double loss : losses) squares += (loss - mean) * (loss - mean);
  figures.set("reader_loss_under_writes" + size + "_ratio", mean);
  figures.set("reader_loss_under_writes" + size + "_ci95", 2.0 * std::sqrt(squares / (pairs - 1) / pairs));  // Student's t of 59 degrees of freedom
  figures.set("writes_made" + size + "_per_s", static_cast<double>((writer.batches() - batches_before) * changes_per_batch) / seconds);
}

}  // namespace

void measure_writes(Figures& figures) {
  measure(figures, "", 10'000'000);
  measure(figures, "_1M", 1'000'000);
}

}  // namespace viaduct::bench
