// SPDX-License-Identifier: Apache-2.0
// What a node finds when it starts: placements and homes, or the seeds of an empty store; who was registered, who watched, and who was on the move.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "node_impl.h"
#include "settings.h"
#include "viaduct/base/clocks.h"
#include "viaduct/control/import.h"

namespace viaduct {

std::expected<void, std::string> Node::Impl::place_clients(const control::FleetState& state) {
  resolver.set_static(config);
  assignment.set_slots(state.slots, state.epoch);
  // What takes no longer is in the table before the first packet; the rest comes while slots answer.
  const auto loaded = placements.load(std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
  if (!loaded) return std::unexpected(loaded.error());
  return state.is_seed ? seed(state) : std::expected<void, std::string>{};
}

// The first start: the configuration's homes and the rows of its assignments file, in one batch, or no start.
std::expected<void, std::string> Node::Impl::seed(const control::FleetState& state) {
  control::Batch batch = control::seeding(state, config);
  batch.show_fleet = [&](std::uint32_t durable) { assignment.set_slots(state.slots, durable); };
  if (config.assignments_file.empty()) {
    const auto done = placements.commit(std::move(batch));
    return done ? std::expected<void, std::string>{} : std::unexpected(done.error());
  }
  std::string first_fault;
  const auto tell = [&](std::uint64_t line, const std::string& why) {
    if (first_fault.empty()) first_fault = config.assignments_file.string() + ':' + std::to_string(line) + ": " + why;
  };
  auto import = control::Import::begin(placements, site.read(), {}, config.store_path, tell);
  if (!import) return std::unexpected(import.error());
  std::ifstream in(config.assignments_file, std::ios::binary);
  std::vector<char> piece(std::size_t{1} << 16);
  while (in.read(piece.data(), std::ssize(piece)), in.gcount() > 0)
    if (const auto taken = (*import)->take({piece.data(), static_cast<std::size_t>(in.gcount())}); !taken) return std::unexpected(taken.error());
  if (!in.eof()) return std::unexpected(config.assignments_file.string() + ": cannot be read");
  const auto done = (*import)->finish(std::move(batch));
  if (!done) return std::unexpected(first_fault.empty() ? done.error() : first_fault);
  spdlog::info("an empty store: seeded with {} homes and {} clients", state.homes.size(), done->outcome.changed);
  return {};
}

// Who was registered, and who watched, before the restart does so before the first packet. Where nothing can be written nobody moves, and what changes is not kept.
std::expected<void, std::string> Node::Impl::restore_bindings() {
  store::LmdbOptions options = store_of(config);
  if (store->is_read_only()) options.access = store::Access::read;
  auto bindings = store::open_rows(options, "bindings");
  if (!bindings) return std::unexpected(bindings.error().text);
  auto subscriptions = store::open_rows(options, "subscriptions");
  if (!subscriptions) return std::unexpected(subscriptions.error().text);
  auto sightings = store::open_rows(options, "sightings");
  if (!sightings) return std::unexpected(sightings.error().text);
  const auto restored = registrar.keep({std::move(*bindings), std::move(*subscriptions), std::move(*sightings)}, base::monotonic_ms());
  if (!restored) return std::unexpected(restored.error());
  if (restored->clients != 0) spdlog::info("{} clients are registered here, as before the restart", restored->clients);
  if (restored->subscriptions != 0) spdlog::info("{} subscriptions go on, as before the restart", restored->subscriptions);
  if (store->is_read_only()) return {};
  auto under_way = store::open_rows(options, "moves");
  if (!under_way) return std::unexpected(under_way.error().text);
  const auto snapshot = store->snapshot();
  if (!snapshot) return std::unexpected(snapshot.error().text);
  const auto mark = (*snapshot)->mark();
  if (!mark) return std::unexpected(mark.error().text);
  return mover.restore(std::move(*under_way), *mark, mover_of(config));
}

void Node::Impl::load_rest() {
  const auto loaded = placements.load(std::chrono::steady_clock::time_point::max());
  if (!loaded) {
    spdlog::error("{}", loaded.error());
    failed.store(true);
    kill(getpid(), SIGTERM);
  } else if (*loaded) {
    say_ready();
  }
}

}  // namespace viaduct
