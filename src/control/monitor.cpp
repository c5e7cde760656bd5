// SPDX-License-Identifier: Apache-2.0
// Samples in, on the control core; windows on a thread beside it; answers in pieces of the core's time.
#include "viaduct/control/monitor.h"

#include <algorithm>
#include <array>

#include "tracked.h"

namespace viaduct::control {
namespace {

// Seconds between two settings of how many requests are sampled: so long may a sudden rise fill the queues.
constexpr double pace_s = 0.25;
// Clients looked at in one turn of the control core: some 0.3 ms, with their places in the assignment and copies of their names.
constexpr std::size_t clients_a_turn = 1024;
// Slots in one turn, which are an exponential each: some 0.2 ms.
constexpr std::size_t slots_a_turn = 16384;

}  // namespace

Monitor::Monitor(site::Commons& commons, Loop& loop, const Placements& placements, const config::Measuring& settings)
    : commons_(commons),
      loop_(loop),
      placements_(placements),
      window_(settings.window_s),
      tracked_(std::make_unique<TrackedClients>(settings.clients_tracked, settings.half_life_s)) {}

Monitor::~Monitor() { stop(); }

// --- samples, on the control core

std::size_t Monitor::turn() {
  const double now_s = seconds_now();
  std::size_t taken = 0;
  const unsigned workers = commons_.load.workers();
  for (unsigned i = 0; i < workers && taken < base::samples_a_round; ++i) {
    auto& samples = commons_.load.worker((first_worker_ + i) % workers).samples;
    for (const site::Sample* s = samples.oldest(); s != nullptr && taken < base::samples_a_round; s = samples.oldest(), ++taken) {
      take(*s, now_s);
      samples.release();
    }
  }
  first_worker_ = (first_worker_ + 1) % workers;
  taken_ += taken;
  if (now_s >= paced_s_ + pace_s) pace(now_s);
  return taken;
}

/// A name is made when the client is new: what stands in the message need not be canonical, and need not name him who it was judged to name.
void Monitor::take(const site::Sample& sample, double now_s) {
  const assign::Placement placed = commons_.assignment.find(sample.client);
  const Sampled sampled{.weight = static_cast<double>(site::kind_weights[std::to_underlying(sample.kind)]),
                        .stands_for = static_cast<double>(sample.stands_for)};
  Tracked& client = tracked_->count(sample.client, sampled, placed.layer == assign::Layer::slot, now_s);
  if (client.aor != nullptr || sample.uri_bytes == 0) return;
  const site::Site& site = commons_.site.read();
  std::array<char, base::aor_bytes_max> room;
  const auto aor = sip::canonical_aor(sample.uri_text(), site.domains, room);
  if (aor && sip::client_key(*aor, site.fleet_seed) == sample.client) client.set_name(*aor);
}

/// What workers told since the last time, and what they had no room for, says how many requests come.
void Monitor::pace(double now_s) {
  std::uint64_t told = taken_;
  for (unsigned i = 0; i < commons_.load.workers(); ++i) told += commons_.load.worker(i).samples_lost.get();
  const std::uint32_t before = commons_.load.one_in.load(std::memory_order_relaxed);
  const double requests = static_cast<double>(told - told_at_last_pace_) * before;
  commons_.load.one_in.store(one_in(requests / (now_s - paced_s_)), std::memory_order_relaxed);
  told_at_last_pace_ = told;
  paced_s_ = now_s;
}

// --- windows

/// The homes, and how many clients each has.
struct Monitor::Facts {
  std::vector<assign::Home> homes;
  std::vector<std::uint64_t> clients;
};

Monitor::Facts Monitor::facts() {
  Facts out;
  std::vector<assign::HomeIndex> slots;
  loop_.call([&] {
    const auto& homes = commons_.site.read().homes;
    out.homes.assign(homes.begin(), homes.end());
    slots = commons_.assignment.slots();
  });
  out.clients.resize(out.homes.size());
  for (std::size_t at = 0; at < slots.size(); at += slots_a_turn)
    loop_.call([&] {
      for (std::size_t i = at; i < std::min(at + slots_a_turn, slots.size()); ++i)
        if (slots[i] < out.clients.size()) out.clients[slots[i]] += tracked_->slot(i).clients;
    });
  const auto placed = placements_.counts();
  for (std::size_t i = 0; i < std::min(placed.size(), out.clients.size()); ++i) out.clients[i] += placed[i].overrides + placed[i].pins;
  return out;
}

LoadWindow Monitor::since(const LoadReading& before, const LoadHistory& history) {
  const Facts now = facts();
  return window_between(before, read_load(commons_.load, now.homes.size(), seconds_now()), now.homes, now.clients, history);
}

void Monitor::start() {
  closer_ = std::thread([this] { close_windows(); });
}

void Monitor::stop() {
  {
    const std::lock_guard lock(stopping_);
    is_stopping_ = true;
  }
  stops_.notify_all();
  if (closer_.joinable()) closer_.join();
}

void Monitor::close_windows() {
  std::unique_lock lock(stopping_);
  for (auto due = started_ + window_; !stops_.wait_until(lock, due, [this] { return is_stopping_; }); due += window_) {
    lock.unlock();
    close_window();
    lock.lock();
  }
}

void Monitor::close_window() {
  const Facts now = facts();
  LoadReading reading = read_load(commons_.load, now.homes.size(), seconds_now());
  const std::lock_guard lock(mutex_);
  LoadWindow window = window_between(opened_, reading, now.homes, now.clients, history_);
  window.number = closed_.number + 1;
  history_.add(window);
  closed_ = std::move(window);
  opened_ = std::move(reading);
}

LoadWindow Monitor::window() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_.number != 0) return closed_;
  }
  return since({}, {});
}

LoadWindow Monitor::measure(std::chrono::milliseconds duration) {
  const LoadReading before = read_load(commons_.load, facts().homes.size(), seconds_now());
  {
    std::unique_lock lock(stopping_);
    stops_.wait_for(lock, duration, [this] { return is_stopping_; });
  }
  LoadHistory history;
  {
    const std::lock_guard lock(mutex_);
    history = history_;
  }
  return since(before, history);
}

// --- clients and slots, in pieces

/// Call f(const Tracked&) for all clients.
template <typename F>
void Monitor::visit(F f) {
  std::size_t at = 0, end = 0;
  do {
    loop_.call([&] {
      end = tracked_->size();
      for (const std::size_t piece = std::min(at + clients_a_turn, end); at < piece; ++at) f((*tracked_)[at]);
    });
  } while (at < end);
}

ClientLoad Monitor::load_of(const Tracked& client, double now_s) const {
  const assign::Placement placed = commons_.assignment.find(client.key);
  const float kept = tracked_->decay(client.at_ds, now_s);
  return {.key = client.key,
          .aor = std::string(client.name()),
          .home = placed.home,
          .layer = placed.layer,
          .events = client.events * kept,
          .weight = client.weight * kept,
          .own_weight = client.own_weight * kept,
          .scale = static_cast<float>(1 / tracked_->remembered_s(now_s))};
}

std::vector<ClientLoad> Monitor::clients() {
  const double now_s = seconds_now();
  std::vector<ClientLoad> out;
  visit([&](const Tracked& client) { out.push_back(load_of(client, now_s)); });
  // Who made way, and came back elsewhere, has been met twice.
  std::ranges::sort(out, [](const ClientLoad& a, const ClientLoad& b) { return std::pair(a.key.high, a.key.low) < std::pair(b.key.high, b.key.low); });
  const auto repeated = std::ranges::unique(out, std::ranges::equal_to{}, &ClientLoad::key);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

std::vector<ClientLoad> Monitor::heaviest(std::size_t most) {
  struct Candidate {
    float weight;
    sip::ClientKey key;
  };
  const double now_s = seconds_now();
  const auto is_heavier = [](const Candidate& a, const Candidate& b) { return a.weight > b.weight; };
  std::vector<Candidate> heap;   // the lightest first
  visit([&](const Tracked& client) {
    heap.push_back({client.weight * tracked_->decay(client.at_ds, now_s), client.key});
    std::ranges::push_heap(heap, is_heavier);
    if (heap.size() <= most) return;
    std::ranges::pop_heap(heap, is_heavier);
    heap.pop_back();
  });
  std::ranges::sort(heap, is_heavier);
  std::vector<ClientLoad> out;
  loop_.call([&] {
    for (const Candidate& c : heap)
      if (const Tracked* client = tracked_->find(c.key)) out.push_back(load_of(*client, now_s));
  });
  const auto repeated = std::ranges::unique(out, std::ranges::equal_to{}, &ClientLoad::key);
  out.erase(repeated.begin(), repeated.end());
  return out;
}

std::vector<SlotLoad> Monitor::slots() {
  std::vector<assign::HomeIndex> homes;
  loop_.call([&] { homes = commons_.assignment.slots(); });
  std::vector<SlotLoad> out(homes.size());
  for (std::size_t at = 0; at < out.size(); at += slots_a_turn)
    loop_.call([&] {
      const double now_s = seconds_now();
      const double seconds = tracked_->remembered_s(now_s);
      for (std::size_t i = at; i < std::min(at + slots_a_turn, out.size()); ++i) {
        const TrackedSlot& slot = tracked_->slot(i);
        const double weight = double{slot.weight} * tracked_->decay(slot.at_ds, now_s);
        out[i] = {.home = homes[i], .load_per_s = static_cast<float>(weight / seconds), .clients = slot.clients};
      }
    });
  return out;
}

Monitor::Statistics Monitor::statistics() {
  Statistics out;
  loop_.call([&] {
    out = {.tracked = tracked_->size(),
           .evicted = tracked_->evicted(),
           .taken = taken_,
           .lost = 0,
           .one_in = commons_.load.one_in.load(std::memory_order_relaxed)};
  });
  for (unsigned i = 0; i < commons_.load.workers(); ++i) out.lost += commons_.load.worker(i).samples_lost.get();
  return out;
}

}  // namespace viaduct::control
