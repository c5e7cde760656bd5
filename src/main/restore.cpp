// SPDX-License-Identifier: Apache-2.0
// What a node finds when it starts: placements and homes, or the seeds of an empty store; who was registered, who watched, and who was on the move.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "node_impl.h"
#include "settings.h"
#include "viaduct/api/version.h"
#include "viaduct/base/clocks.h"
#include "viaduct/control/build_site.h"
#include "viaduct/control/homes.h"
#include "viaduct/control/import.h"
#include "viaduct/control/join.h"

namespace viaduct {
namespace {

// Signals that end the node wait until it runs: see main.cpp.
bool is_still_wanted() {
  sigset_t waiting;
  sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) != 1 && sigismember(&waiting, SIGINT) != 1;
}

}  // namespace

std::expected<void, std::string> Node::Impl::place_clients(control::FleetState state) {
  resolver.set_static(config);
  const auto owes_placements = join(state);
  if (!owes_placements) return std::unexpected(owes_placements.error());
  for (const std::string& difference : control::differences(config, site.read().homes)) spdlog::warn("{}", difference);
  assignment.set_slots(state.slots, state.epoch);
  // What takes no longer is in the table before the first packet; the rest comes while slots answer.
  const auto loaded = placements.load(std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
  if (!loaded) return std::unexpected(loaded.error());
  return state.is_seed || *owes_placements ? seed(state) : std::expected<void, std::string>{};
}

// The fleet's homes and placements in place of what the store had; before the first packet, so nobody sees the site change. Returns whether the assignments file
// is this node's to bring in.
std::expected<bool, std::string> Node::Impl::join(control::FleetState& state) {
  if (!config.etcd) return false;
  auto log = store::open_etcd(etcd_of(config, *store));
  if (!log) return std::unexpected(log.error().text);
  shared_log = std::move(*log);
  // What is wrong with the file is said before a fleet is founded with it.
  if (state.is_seed && !config.assignments_file.empty())
    if (const auto read = read_assignments({}, true); !read) return std::unexpected(read.error());
  const auto joined = control::join_fleet(*store, *shared_log, peers, config, is_still_wanted);
  if (!joined) return std::unexpected(joined.error());
  if (store->is_read_only()) {
    // It cannot follow: nobody is redirected by what it has.
    fleet.begin_stale();
    auto built = control::build_site(config, state.homes, true);
    if (!built) return std::unexpected(config.file.string() + ": " + built.error());
    site.publish(std::move(*built), epoch);
    return false;
  }
  auto agreed = control::read_fleet(*store, config);
  if (!agreed) return std::unexpected(agreed.error());
  state = std::move(*agreed);
  if (!joined->is_current) fleet.begin_stale();
  auto built = control::build_site(config, state.homes, fleet.is_stale());
  if (!built) return std::unexpected(config.file.string() + ": " + built.error());
  load.cover((*built)->homes.size());
  site.publish(std::move(*built), epoch);
  replica.emplace(commons, loop, placements, fleet, *shared_log, config.node_name);
  placements.share(
      {.log = *shared_log, .node = config.node_name, .catch_up = [this] { return replica->catch_up(); }, .is_heard = [this] { return replica->is_heard(); }});
  mover.share([this]() -> std::string {
    if (replica->leads()) return {};
    const std::string leader = replica->standing().leader;
    return leader.empty() || leader == config.node_name ? "no node of the fleet makes plans at the moment" : leader + " makes the fleet's plans";
  });
  balancer.share([this] { return seen_by_others(); });
  return joined->owes_placements;
}

// Who cannot be asked is left out, and said so: a plan is made all the same.
std::vector<control::SeenElsewhere> Node::Impl::seen_by_others() {
  std::vector<control::SeenElsewhere> out;
  for (const base::Endpoint& node : control::controls_of(replica->standing().nodes, config.node_name)) {
    auto seen = peers.load(node);
    if (seen)
      out.push_back(std::move(*seen));
    else
      spdlog::warn("what another node has seen of the load does not count: {}", seen.error());
  }
  return out;
}

void Node::Impl::follow_fleet() {
  if (!replica) return;
  const auto says = [this] {
    return nlohmann::json{{"version", api::version}, {"control", config.control_listen->text()}, {"epoch", replica->standing().epoch}}.dump();
  };
  const auto on_entry = [this](const control::Entry& entry, const std::vector<control::FollowedClient>& clients, bool is_past) {
    mover.follow(entry, clients, is_past);
  };
  const auto on_lost = [this] {
    if (failed.exchange(true)) return;
    spdlog::error("this node was away for so long that the fleet's log has forgotten what it needs: it ends, to fetch all from another node at its next start");
    kill(getpid(), SIGTERM);
  };
  replica->start(says, on_entry, [this] { return mover.take_arrivals(); }, on_lost, mover_of(config).deadline_s);
}

// The first start: the configuration's homes and the rows of its assignments file, in one batch, or no start.
std::expected<void, std::string> Node::Impl::seed(const control::FleetState& state) {
  control::Batch batch = control::seeding(state, config);
  batch.show_fleet = [&](std::uint32_t durable) { assignment.set_slots(state.slots, durable); };
  if (!state.is_seed) batch.fleet = {};  // a fleet has its homes by its first change
  if (config.assignments_file.empty()) {
    const auto done = placements.commit(std::move(batch));
    return done ? std::expected<void, std::string>{} : std::unexpected(done.error());
  }
  const auto done = read_assignments(std::move(batch), false);
  if (!done) return std::unexpected(done.error());
  spdlog::info("an empty store: seeded with {} homes and {} clients", state.homes.size(), done->outcome.changed);
  return {};
}

// The rows of the assignments file, checked or brought in with the batch. Errors: the first row that is wrong.
std::expected<control::ImportReport, std::string> Node::Impl::read_assignments(control::Batch batch, bool is_dry) {
  std::string first_fault;
  const auto tell = [&](std::uint64_t line, const std::string& why) {
    if (first_fault.empty()) first_fault = config.assignments_file.string() + ':' + std::to_string(line) + ": " + why;
  };
  control::ImportOptions options;
  options.dry_run = is_dry;
  auto import = control::Import::begin(placements, site.read(), options, config.store_path, tell);
  if (!import) return std::unexpected(import.error());
  std::ifstream in(config.assignments_file, std::ios::binary);
  std::vector<char> piece(std::size_t{1} << 16);
  while (in.read(piece.data(), std::ssize(piece)), in.gcount() > 0)
    if (const auto taken = (*import)->take({piece.data(), static_cast<std::size_t>(in.gcount())}); !taken) return std::unexpected(taken.error());
  if (!in.eof()) return std::unexpected(config.assignments_file.string() + ": cannot be read");
  auto done = (*import)->finish(std::move(batch));
  if (!done) return std::unexpected(first_fault.empty() ? done.error() : first_fault);
  return *done;
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
