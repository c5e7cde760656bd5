// SPDX-License-Identifier: Apache-2.0
// Store against table, client by client, while both go on changing: what differs is looked at again with the pen in hand.
#include <algorithm>

#include "viaduct/control/placements.h"

namespace viaduct::control {
namespace {

constexpr std::size_t clients_per_turn = 4096;
constexpr std::size_t faults_told_max = 100;

void add_fault(Verified& verified, std::string what) {
  ++verified.faults_count;
  if (verified.faults.size() < faults_told_max) verified.faults.push_back(std::move(what));
}

bool agree(const store::Record& r, const assign::Placement& p) {
  return p.home == r.home && p.layer == (r.pin ? assign::Layer::pin : assign::Layer::override_);
}
bool agree(const std::optional<store::Record>& r, const assign::Placement& p) {
  return r ? agree(*r, p) : p.layer == assign::Layer::slot || p.layer == assign::Layer::none;
}

}  // namespace

struct Placements::Comparison {
  store::Record record;
  std::string aor;
};

void Placements::compare_again(const Comparison& c, Verified& verified) {
  const auto pen = take_pen();
  const auto snapshot = pen ? store_.snapshot() : std::unexpected(store::Error{});
  if (!snapshot) return;
  const auto record = (*snapshot)->find(c.record.client);
  bool is_same = false;
  loop_.call([&] { is_same = record && agree(*record, commons_.assignment.find(c.record.client)); });
  if (!is_same) add_fault(verified, c.aor + ": store and table differ");
}

void Placements::compare(std::vector<Comparison>& batch, Verified& verified) {
  std::vector<const Comparison*> different;
  loop_.call([&] {
    for (const Comparison& c : batch) commons_.assignment.prefetch({&c.record.client, 1});
    for (const Comparison& c : batch)
      if (!agree(c.record, commons_.assignment.find(c.record.client))) different.push_back(&c);
  });
  for (const Comparison* c : different) compare_again(*c, verified);
  batch.clear();
}

Expected<Verified> Placements::verify(const Tell& tell) {
  {
    const auto pen = take_pen();
    if (!pen) return std::unexpected(pen.error());
  }
  base::Key128 seed;
  loop_.call([&] { seed = commons_.site.read().fleet_seed; });
  const auto snapshot = store_.snapshot();
  if (!snapshot) return std::unexpected(snapshot.error().text);
  Verified verified;
  std::vector<Comparison> batch;
  const auto read = (*snapshot)->clients(0, std::uint32_t{1} << store::block_bits, [&](const store::Record& r, std::string_view aor) {
    if (store::identity(sip::client_key(aor, seed)) != r.client) add_fault(verified, std::string(aor) + ": stands under another client's key");
    batch.push_back({r, std::string(aor)});
    if (batch.size() == clients_per_turn) compare(batch, verified);
    if (++verified.clients % (clients_per_turn * 16) == 0 && tell) tell(verified.clients);
    return !stopping_.load();
  });
  if (!read) return std::unexpected(read.error().text);
  compare(batch, verified);
  if (stopping_.load()) return std::unexpected("the node is stopping");
  if (verified.clients != (*snapshot)->clients()) add_fault(verified, "the store counts " + std::to_string((*snapshot)->clients()) + " clients");
  if (const auto past = (*snapshot)->history({}); !past) add_fault(verified, past.error().text);
  if (const auto homes = (*snapshot)->homes(); !homes) add_fault(verified, homes.error().text);
  if (const auto slots = (*snapshot)->slots(); !slots) add_fault(verified, slots.error().text);
  const auto pen = take_pen();
  if (!pen) return std::unexpected(pen.error());
  const auto now = store_.snapshot();
  if (!now) return std::unexpected(now.error().text);
  assign::Assignment::Statistics table;
  loop_.call([&] { table = commons_.assignment.statistics(); });
  if (table.pins + table.overrides != (*now)->clients())
    add_fault(verified, "the table has " + std::to_string(table.pins + table.overrides) + " clients, the store " + std::to_string((*now)->clients()));
  return verified;
}

}  // namespace viaduct::control
