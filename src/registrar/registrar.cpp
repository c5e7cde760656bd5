// SPDX-License-Identifier: Apache-2.0
// The life of a shard's core, and how others reach a shard. What a shard does is shard.cpp's.
#include "viaduct/registrar/registrar.h"

#include <algorithm>
#include <chrono>

#include "told_moves.h"
#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"
#include "viaduct/registrar/keeper.h"
#include "viaduct/share/jobs.h"
#include "viaduct/share/nap.h"

namespace viaduct::registrar {
namespace {

/// A store that writes at all has written within that time, whatever else it has to write, and for all shards together.
constexpr std::chrono::seconds durable_within{5};
/// A store that refuses keeps nobody from stopping: that long for all shards together.
constexpr std::chrono::seconds finish_within{10};

/// Keys are hashes: shards get equal parts but for chance.
location::Rules share_of(location::Rules rules, std::size_t shards) {
  rules.bindings_max = (rules.bindings_max + shards - 1) / shards;
  return rules;
}

notifier::WatchRules share_of(notifier::WatchRules rules, std::size_t shards) {
  rules.subscriptions_max = (rules.subscriptions_max + shards - 1) / shards;
  rules.open_max = (rules.open_max + shards - 1) / shards;
  rules.notifies_per_s = static_cast<std::uint32_t>((rules.notifies_per_s + shards - 1) / shards);
  return rules;
}

void apply_to(Shard& shard, const Settings& settings, std::size_t shards) {
  shard.bindings().set_rules(share_of(settings.rules, shards));
  shard.watchers().set_rules(share_of(settings.watch_rules, shards));
  shard.set_authenticator(settings.secrets ? std::make_unique<Authenticator>(settings.realm, settings.secrets) : nullptr);
}

}  // namespace

struct Registrar::Core {
  Registrar& registrar;
  unsigned index;
  Shard shard;
  std::vector<std::unique_ptr<Keeper>> keepers;   // of registrations, of sightings, last of subscriptions; none: the store cannot be written
  share::Jobs jobs;

  Core(Registrar& r, unsigned i, const Settings& settings)
      : registrar(r),
        index(i),
        shard(r.commons_, i, share_of(settings.rules, r.commons_.to_registrar.size()), share_of(settings.watch_rules, r.commons_.to_registrar.size())) {
    apply_to(shard, settings, r.commons_.to_registrar.size());
  }
  std::size_t poll(std::size_t requests_max, std::uint64_t now_ms) {
    const std::size_t count = shard.poll(requests_max, now_ms);
    for (const auto& keeper : keepers) keeper->tick();
    return count;
  }
  [[nodiscard]] Keeper& subscriptions() const { return *keepers.back(); }
};

Registrar::Registrar(site::Commons& commons, const Settings& settings, OnControlCore on_control_core)
    : commons_(commons), on_control_core_(std::move(on_control_core)), told_moves_(std::make_unique<ToldMoves>()) {
  for (unsigned i = 0; i < commons.to_registrar.size(); ++i) cores_.push_back(std::make_unique<Core>(*this, i, settings));
}
Registrar::~Registrar() = default;

std::expected<Restored, std::string> Registrar::keep(Kept rows, std::uint64_t now_ms) {
  const std::shared_ptr<store::Rows> bindings = std::move(rows.bindings), subscriptions = std::move(rows.subscriptions), sightings = std::move(rows.sightings);
  std::vector<location::Bindings*> registered, seen;
  std::vector<notifier::Watchers*> watching;
  for (const auto& core : cores_) {
    registered.push_back(&core->shard.bindings());
    seen.push_back(&core->shard.sightings().bindings());
    watching.push_back(&core->shard.watchers());
  }
  std::vector<base::Endpoint> listeners;
  for (const site::Listener& l : commons_.site.read().listeners) listeners.push_back(l.endpoint);
  const location::RowBasis basis{.offset_s = clock_offset_s(), .listeners = listeners};
  if (const auto watched = restore(*subscriptions, watching, now_ms, basis); !watched) return std::unexpected(watched.error());
  for (const auto& [from, to, file] : {std::tuple(bindings, std::span(registered), "bindings.mdb"), std::tuple(sightings, std::span(seen), "sightings.mdb")}) {
    const auto changed = restore(*from, to, now_ms / 1000, basis, file);
    if (!changed) return std::unexpected(changed.error());
    for (const location::ClientKey& client : *changed) watching[assign::shard_of(client, cores_.size())]->owe_everything(client);
  }
  Restored out;
  for (const auto& core : cores_) {
    out.clients += core->shard.bindings().clients();
    out.subscriptions += core->shard.watchers().size();
    core->keepers.push_back(std::make_unique<Keeper>("registrations", things_of(core->shard.bindings()), bindings, listeners));
    core->shard.sightings().forget_unwatched(now_ms / 1000 + notifier::sight_kept_s);
    core->keepers.push_back(std::make_unique<Keeper>("sightings", things_of(core->shard.sightings().bindings()), sightings, listeners));
    core->keepers.push_back(std::make_unique<Keeper>("subscriptions", things_of(core->shard.watchers()), subscriptions, listeners));
  }
  return out;
}

std::size_t Registrar::poll(std::size_t requests_max, std::uint64_t now_ms) { return cores_.size() == 1 ? cores_.front()->poll(requests_max, now_ms) : 0; }

void Registrar::start(unsigned first_core) {
  first_core_ = first_core;
  if (cores_.size() == 1) return;
  for (const auto& core : cores_) {
    core->jobs.open();
    nic::launch(first_core + core->index, [](void* c) { static_cast<Core*>(c)->registrar.run(static_cast<Core*>(c)->index); }, core.get());
  }
}

void Registrar::run(unsigned shard) {
  Core& core = *cores_[shard];
  const unsigned reader = base::workers_max + shard;
  commons_.epoch.enter(reader);
  share::Nap nap;
  while (true) {
    // Acquire: pairs with the release in stop. Asked before the rings, so that what is over leaves nothing in them.
    const bool is_last = is_over_.load(std::memory_order_acquire);
    const std::size_t done = core.poll(base::registrations_a_round, base::monotonic_ms()) + core.jobs.do_one();
    commons_.epoch.quiescent(reader);
    if (done != 0) {
      nap.reset();
      continue;
    }
    if (is_last) break;
    commons_.epoch.offline(reader);
    nap.take();
    commons_.epoch.online(reader);
  }
  core.jobs.close();
  commons_.epoch.leave(reader);
}

void Registrar::stop() {
  is_over_.store(true, std::memory_order_release);
  if (cores_.size() > 1)
    for (const auto& core : cores_) nic::join(first_core_ + core->index);
  const auto until = std::chrono::steady_clock::now() + finish_within;
  for (const auto& core : cores_)
    for (const auto& keeper : core->keepers) keeper->finish(until);
}

void Registrar::call_core(Core& core, const std::function<void()>& job) { cores_.size() == 1 ? on_control_core_(job) : core.jobs.call(job); }

void Registrar::call(const location::ClientKey& client, const std::function<void(Shard&)>& job) {
  Core& core = *cores_[assign::shard_of(client, cores_.size())];
  call_core(core, [&] { job(core.shard); });
}

void Registrar::call_each(const std::function<void(Shard&)>& job) {
  for (const auto& core : cores_) call_core(*core, [&] { job(core->shard); });
}

/// For each client, by its number, on the core of its shard; some in one turn of it.
void Registrar::call_for(std::span<const location::ClientKey> clients, const std::function<void(Shard&, std::size_t)>& job) {
  std::vector<std::vector<std::size_t>> of_core(cores_.size());
  for (std::size_t i = 0; i < clients.size(); ++i) of_core[assign::shard_of(clients[i], cores_.size())].push_back(i);
  for (const auto& core : cores_) {
    const std::span<const std::size_t> all = of_core[core->index];
    for (std::size_t at = 0; at < all.size(); at += base::moves_a_turn) {
      call_core(*core, [&] {
        for (const std::size_t i : all.subspan(at, std::min(base::moves_a_turn, all.size() - at))) job(core->shard, i);
      });
    }
  }
}

std::expected<std::size_t, std::string> Registrar::moved(std::span<const location::ClientKey> clients, const notifier::Move& move) {
  if (cores_.front()->keepers.empty()) return std::unexpected("subscriptions are not kept: the store cannot be written");
  const std::vector<location::ClientKey> untold = told_moves_->untold(clients, move, std::chrono::steady_clock::now());
  std::size_t told = 0;
  call_for(untold, [&](Shard& shard, std::size_t i) { told += shard.watchers().moved(untold[i], move, commons_.site.read(), base::monotonic_ms()); });
  std::vector<std::uint64_t> marks(cores_.size());
  for (const auto& core : cores_) call_core(*core, [&] { marks[core->index] = core->subscriptions().mark(); });
  const auto until = std::chrono::steady_clock::now() + durable_within;
  const bool is_durable = std::ranges::all_of(cores_, [&](const auto& core) { return core->subscriptions().wait(marks[core->index], until); });
  if (!is_durable) return std::unexpected("the store has not taken the subscriptions in time");
  told_moves_->settle(clients, move);
  return told;
}

std::vector<ClientStanding> Registrar::standings(std::span<const location::ClientKey> clients) {
  std::vector<ClientStanding> out(clients.size());
  call_for(clients, [&](Shard& shard, std::size_t i) {
    const std::uint64_t now_ms = base::monotonic_ms();
    const std::vector<location::BindingView> bindings = shard.bindings().of(clients[i], now_ms / 1000);
    out[i] = {.bindings = static_cast<std::uint32_t>(bindings.size()),
              .subscriptions = static_cast<std::uint32_t>(shard.watchers().of(clients[i], now_ms).size()),
              .registered_ago_s = {}};
    for (const location::BindingView& b : bindings)
      if (b.registered_ago_s) out[i].registered_ago_s = std::min(*b.registered_ago_s, out[i].registered_ago_s.value_or(UINT32_MAX));
  });
  return out;
}

void Registrar::apply(const Settings& settings) {
  call_each([&](Shard& shard) { apply_to(shard, settings, cores_.size()); });
}

ShardSums Registrar::sums() const {
  ShardSums out;
  for (const auto& core : cores_) {
#define X(name, what) out.name += core->shard.counters().name.get();
    VIADUCT_SHARD_COUNTERS(X)
#undef X
    out.sent += core->shard.wire().sent().get();
    out.refused_by_wire += core->shard.wire().refused().get();
  }
  return out;
}

WatcherSums Registrar::watcher_sums() const {
  WatcherSums out;
  for (const auto& core : cores_) {
#define X(name, what) out.name += core->shard.watchers().counters().name.get();
    VIADUCT_WATCHER_COUNTERS(X)
#undef X
  }
  return out;
}

}  // namespace viaduct::registrar
