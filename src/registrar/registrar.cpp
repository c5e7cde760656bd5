// SPDX-License-Identifier: Apache-2.0
// The life of a shard's core, and how others reach a shard. What a shard does is shard.cpp's.
#include "viaduct/registrar/registrar.h"

#include <chrono>

#include "viaduct/base/limits.h"
#include "viaduct/registrar/keeper.h"
#include "viaduct/share/jobs.h"
#include "viaduct/share/nap.h"

namespace viaduct::registrar {
namespace {

std::uint64_t monotonic_s() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

/// Keys are hashes: shards get equal parts but for chance.
Rules share_of(Rules rules, std::size_t shards) {
  rules.bindings_max = (rules.bindings_max + shards - 1) / shards;
  return rules;
}

void apply_to(Shard& shard, const Settings& settings, std::size_t shards) {
  shard.bindings().set_rules(share_of(settings.rules, shards));
  shard.set_authenticator(settings.secrets ? std::make_unique<Authenticator>(settings.realm, settings.secrets) : nullptr);
}

}  // namespace

struct Registrar::Core {
  Registrar& registrar;
  unsigned index;
  Shard shard;
  std::unique_ptr<Keeper> keeper;   // null: the store cannot be written
  share::Jobs jobs;

  Core(Registrar& r, unsigned i, const Settings& settings)
      : registrar(r), index(i), shard(r.commons_, i, share_of(settings.rules, r.commons_.to_registrar.size())) {
    apply_to(shard, settings, r.commons_.to_registrar.size());
  }
  std::size_t poll(std::size_t registrations_max, std::uint64_t now_s) {
    const std::size_t count = shard.poll(registrations_max, now_s);
    if (keeper) keeper->tick();
    return count;
  }
};

Registrar::Registrar(site::Commons& commons, const Settings& settings, OnControlCore on_control_core)
    : commons_(commons), on_control_core_(std::move(on_control_core)) {
  for (unsigned i = 0; i < commons.to_registrar.size(); ++i) cores_.push_back(std::make_unique<Core>(*this, i, settings));
}
Registrar::~Registrar() = default;

std::expected<std::size_t, std::string> Registrar::keep(std::unique_ptr<store::Rows> rows, std::uint64_t now_s, std::size_t listeners) {
  const std::shared_ptr<store::Rows> shared = std::move(rows);
  std::vector<Bindings*> shards;
  for (const auto& core : cores_) shards.push_back(&core->shard.bindings());
  auto restored = restore(*shared, shards, now_s, listeners);
  if (!restored) return restored;
  for (const auto& core : cores_) core->keeper = std::make_unique<Keeper>(core->shard.bindings(), shared);
  return restored;
}

std::size_t Registrar::poll(std::size_t registrations_max, std::uint64_t now_s) {
  return cores_.size() == 1 ? cores_.front()->poll(registrations_max, now_s) : 0;
}

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
    const std::size_t done = core.poll(base::registrations_a_round, monotonic_s()) + core.jobs.do_one();
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
  for (const auto& core : cores_)
    if (core->keeper) core->keeper->finish();
}

void Registrar::call(const ClientKey& client, const std::function<void(Shard&)>& job) {
  Core& core = *cores_[assign::shard_of(client, cores_.size())];
  const auto body = [&] { job(core.shard); };
  cores_.size() == 1 ? on_control_core_(body) : core.jobs.call(body);
}

void Registrar::call_each(const std::function<void(Shard&)>& job) {
  for (const auto& core : cores_) {
    const auto body = [&] { job(core->shard); };
    cores_.size() == 1 ? on_control_core_(body) : core->jobs.call(body);
  }
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

}  // namespace viaduct::registrar
