// SPDX-License-Identifier: Apache-2.0
// The one place that knows all parts of a node, and the order in which they start and stop.
#include "node.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "kernel_share.h"
#include "rules.h"
#include "settings.h"
#include "viaduct/api/control_server.h"
#include "viaduct/api/node_calls.h"
#include "viaduct/api/server.h"
#include "viaduct/api/verbs.h"
#include "viaduct/control/build_site.h"
#include "viaduct/control/homes.h"
#include "viaduct/control/import.h"
#include "viaduct/control/peers.h"

namespace viaduct {
namespace {

// Another at each start, so that nobody who has seen fragments of one knows those of the next.
base::Key128 fresh_key() {
  base::Key128 key{};
  if (getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) throw std::runtime_error("the kernel gives no random octets");
  return key;
}

std::vector<std::unique_ptr<share::Ring>> rings(const std::string& name, unsigned count, std::size_t slots) {
  std::vector<std::unique_ptr<share::Ring>> out;
  for (unsigned i = 0; i < count; ++i) out.push_back(std::make_unique<share::Ring>(name + std::to_string(i), slots, share::Producers::many));
  return out;
}

// What there is before the first poll.
struct First {
  std::unique_ptr<const site::Site> site;
  std::unique_ptr<const screen::Rules> rules;
  registrar::Settings registrar;
  KernelShare kernel;
};

}  // namespace

struct Node::Impl {
  config::Config config;
  config::Config applied;   // what a reload has changed; written with the pen in hand
  Folders folders;
  std::unique_ptr<store::Store> store;
  nic::Ports ports;
  share::Epoch epoch{base::workers_max + base::shards_max};
  share::Published<site::Site> site;
  share::Published<site::Neighbours> neighbours{std::make_unique<const site::Neighbours>()};
  share::Published<screen::Rules> rules;
  share::Published<site::Traces> traces{std::make_unique<const site::Traces>()};
  assign::Assignment assignment;
  assign::Moves moves;
  assign::Locations locations;
  assign::Watched watched;
  std::vector<std::unique_ptr<share::Ring>> to_registrar;
  share::Ring to_control, to_kernel, to_wire;
  std::vector<std::unique_ptr<share::Ring>> to_worker;
  std::vector<share::Counters> counters;
  site::Load load;
  std::atomic<std::uint32_t> now_min{};
  std::atomic<bool> stop{};
  site::Identifications identifications{fresh_key()};
  site::Commons commons;
  registrar::Registrar registrar;
  site::Wire control_wire;
  control::ExceptionPath exceptions;
  control::Resolver resolver;
  control::Health health;
  control::Loop loop;
  control::Placements placements;
  control::Fleet fleet;
  control::Monitor monitor;
  control::Peers peers;
  control::Mover mover;
  control::Balancer balancer;
  std::vector<std::unique_ptr<edge::Worker>> workers;
  api::Plant plant;
  std::unique_ptr<api::Server> server;
  std::unique_ptr<api::ControlServer> control_server;   // null: not configured
  std::thread loader;
  std::atomic<bool> failed{};

  Impl(const config::Config& c, Folders looked_in, std::unique_ptr<store::Store> opened, nic::Ports started, First first, std::uint64_t clients)
      : config(c),
        applied(c),
        folders(std::move(looked_in)),
        store(std::move(opened)),
        ports(std::move(started)),
        site(std::move(first.site)),
        rules(std::move(first.rules)),
        assignment(c.assign_policy == config::AssignPolicy::slots ? assign::Policy::slots : assign::Policy::explicit_, std::max(c.entries_expected, clients)),
        moves(c.workers + c.shards, base::moves_expected),
        locations(c.shards, c.bindings_max),
        watched(c.shards, c.watching.subscriptions_max),
        to_registrar(rings("to_registrar", c.shards, c.ring_slots)),
        to_control("to_control", c.ring_slots, share::Producers::many),
        to_kernel("to_kernel", c.ring_slots, share::Producers::many),
        to_wire("to_wire", c.ring_slots, share::Producers::many),
        to_worker(rings("worker", c.workers, c.ring_slots)),
        counters(c.workers),
        load(c.workers, site.read().homes.size()),
        commons{.ports = ports,
                .epoch = epoch,
                .site = site,
                .neighbours = neighbours,
                .rules = rules,
                .traces = traces,
                .assignment = assignment,
                .moves = moves,
                .locations = locations,
                .watched = watched,
                .to_registrar = to_registrar,
                .to_control = to_control,
                .to_kernel = to_kernel,
                .to_wire = to_wire,
                .to_worker = to_worker,
                .counters = counters,
                .load = load,
                .now_min = now_min,
                .identifications = identifications,
                .has_exception_path = !first.kernel.taps.empty(),
                .mtu_bytes = c.mtu_bytes,
                .fragmented_datagrams_max = fragmented_datagrams(c),
                .stop = stop},
        registrar(commons, first.registrar, [this](const std::function<void()>& job) { loop.call(job); }),
        control_wire(commons, true),
        exceptions(commons, control_wire, std::move(first.kernel.taps)),
        resolver(commons, control_wire, exceptions, c),
        health(commons, control_wire, c.health),
        loop(commons, resolver, exceptions, health, [this](std::size_t most, std::uint64_t now_ms) { return registrar.poll(most, now_ms); }),
        placements(commons, loop, *store),
        fleet(commons, loop, placements, applied),
        monitor(commons, loop, placements, c.measuring),
        peers(commons, loop),
        mover(commons, loop, placements,
              [this](assign::HomeIndex from, control::Tidings tidings, std::span<const control::Step* const> steps) { return tell(from, tidings, steps); }),
        balancer(commons, loop, placements, monitor, health, mover),
        plant{.config = config,
              .commons = commons,
              .loop = loop,
              .placements = placements,
              .fleet = fleet,
              .monitor = monitor,
              .health = health,
              .resolver = resolver,
              .exceptions = exceptions,
              .registrar = registrar,
              .mover = mover,
              .balancer = balancer,
              .peers = peers,
              .control_wire = control_wire,
              .reload = [this] { return reload(); },
              .reload_rules = [this] { return reload_rules(); },
              .started = std::chrono::steady_clock::now()} {
    resolver.on_unreachable([this](assign::HomeIndex home) { health.doubt(home); });
    resolver.follow(std::move(first.kernel.networks));
    loop.add([this](std::uint64_t) { return monitor.turn(); });
    for (unsigned i = 0; i < c.workers; ++i) workers.push_back(std::make_unique<edge::Worker>(commons, worker_of(c, i)));
  }

  std::expected<void, std::string> place_clients(const control::FleetState& state) {
    resolver.set_static(config);
    assignment.set_slots(state.slots, state.epoch);
    // What takes no longer is in the table before the first packet; the rest comes while slots answer.
    const auto loaded = placements.load(std::chrono::steady_clock::now() + std::chrono::milliseconds(500));
    if (!loaded) return std::unexpected(loaded.error());
    return state.is_seed ? seed(state) : std::expected<void, std::string>{};
  }

  std::expected<void, std::string> seed(const control::FleetState& state);
  std::expected<void, std::string> restore_bindings();
  control::Expected<void> tell(assign::HomeIndex from, control::Tidings tidings, std::span<const control::Step* const> clients);
  void load_rest();
  std::expected<void, std::string> open_socket() {
    std::error_code ignored;
    std::filesystem::create_directories(config.runtime_dir, ignored);
    auto started = api::Server::start(config.runtime_dir / (config.node_name + ".sock"),
                                      [this](const nlohmann::json& request, const std::string& who) { return api::answer(plant, request, who); });
    if (!started) return std::unexpected(started.error());
    server = std::move(*started);
    return {};
  }
  std::expected<void, std::string> open_control() {
    if (!config.control_listen) return {};
    const auto keys = [this] {
      sip::SigningKeys now;
      loop.call([&] { now = site.read().keys; });
      return now;
    };
    auto started = api::ControlServer::start(
        *config.control_listen, keys, [this](const std::string& target, const nlohmann::json& request) { return api::answer_node(plant, target, request); });
    if (!started) return std::unexpected(started.error());
    control_server = std::move(*started);
    return {};
  }

  std::expected<api::Reload, std::string> reload();
  std::expected<std::size_t, std::string> reload_rules();
  void show_rules(std::unique_ptr<screen::Rules> next);
  void say_ready() const;
  void stop_in_order();
};

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

// Who was registered, and who watched, before the restart does so before the first packet.
std::expected<void, std::string> Node::Impl::restore_bindings() {
  if (store->is_read_only()) return {};
  auto bindings = store::open_rows(store_of(config), "bindings");
  if (!bindings) return std::unexpected(bindings.error().text);
  auto subscriptions = store::open_rows(store_of(config), "subscriptions");
  if (!subscriptions) return std::unexpected(subscriptions.error().text);
  auto sightings = store::open_rows(store_of(config), "sightings");
  if (!sightings) return std::unexpected(sightings.error().text);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const auto restored = registrar.keep({std::move(*bindings), std::move(*subscriptions), std::move(*sightings)}, now_ms, config.listen.size());
  if (!restored) return std::unexpected(restored.error());
  if (restored->clients != 0) spdlog::info("{} clients are registered here, as before the restart", restored->clients);
  if (restored->subscriptions != 0) spdlog::info("{} subscriptions go on, as before the restart", restored->subscriptions);
  auto under_way = store::open_rows(store_of(config), "moves");
  if (!under_way) return std::unexpected(under_way.error().text);
  return mover.restore(std::move(*under_way), mover_of(config));
}

// Watchers of clients that move are told by the node that has their subscriptions: the home before, when it is a Viaduct that can be called. Another's own
// end by their refresh, which reaches the new home.
control::Expected<void> Node::Impl::tell(assign::HomeIndex from, control::Tidings tidings, std::span<const control::Step* const> clients) {
  const auto notice = tidings == control::Tidings::moved     ? registrar::Notice::deactivated
                      : tidings == control::Tidings::leaving ? registrar::Notice::shortened
                                                             : registrar::Notice::probation;
  bool is_called = false;
  std::uint32_t epoch_now = 0;
  loop.call([&] {
    const assign::Home& home = site.read().homes[from];
    is_called = !home.is_local && home.control.has_value();
    epoch_now = assignment.epoch();
  });
  if (is_called) {
    std::vector<std::string> aors;
    for (const control::Step* step : clients)
      if (!step->aor.empty()) aors.push_back(step->aor);
    const auto told = peers.tell_moved(from, epoch_now, {.notice = notice}, aors);
    return told ? control::Expected<void>{} : std::unexpected(told.error());
  }
  std::vector<registrar::ClientKey> keys;
  for (const control::Step* step : clients) keys.push_back(step->key);
  const auto told = registrar.moved(keys, {.notice = notice});
  return told ? control::Expected<void>{} : std::unexpected(told.error());
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

void Node::Impl::say_ready() const {
  std::puts("READY");
  std::fflush(stdout);
  spdlog::info("node {} ready: {} workers on {}, {} clients placed", config.node_name, workers.size(), ports[0].driver(),
               assignment.statistics().pins + assignment.statistics().overrides);
}

// Files are read on the caller's thread; the control core only swaps what has been checked. What a running node cannot change keeps its old value, and homes
// are the store's to say.
std::expected<api::Reload, std::string> Node::Impl::reload() {
  auto next = config::load(config.file, folders.profiles);
  if (!next) return std::unexpected(next.error().text);
  auto next_rules = compile_rules(*next, folders.rules);
  if (!next_rules) return std::unexpected(next_rules.error());
  api::Reload done{.needs_restart = config::needs_restart(config, *next)};
  next->listen = config.listen;
  next->mtu_bytes = config.mtu_bytes;
  next->fleet_seed = config.fleet_seed;
  const auto pen = placements.take_pen();
  if (!pen) return std::unexpected(pen.error());
  const auto homes = fleet.homes();
  done.differs = control::differences(*next, assign::Homes(homes));
  auto built = control::build_site(*next, homes);
  if (!built) return std::unexpected(built.error());
  const auto registering = registrar_of(*next, (*built)->domains);
  if (!registering) return std::unexpected(registering.error());
  applied = std::move(*next);
  registrar.apply(*registering);
  loop.call([&] {
    site.publish(std::move(*built), epoch);
    resolver.set_static(applied);
    health.apply(applied.health);
    mover.set(mover_of(applied));
    balancer.set(balance_of(applied));
    show_rules(std::move(*next_rules));
    done.applied = {
        "domains, policy, keys, prefixes", "neighbours", "registrar rules, credentials, watchers", "screening rules", "limits", "health", "balance"};
    done.epoch = assignment.epoch();
  });
  return done;
}

// The files are read and compiled on the caller's thread.
std::expected<std::size_t, std::string> Node::Impl::reload_rules() {
  config::Config current;
  {
    const auto pen = placements.take_pen();
    if (!pen) return std::unexpected(pen.error());
    current = applied;
  }
  auto next = compile_rules(current, folders.rules);
  if (!next) return std::unexpected(next.error());
  const std::size_t count = (*next)->list().size();
  loop.call([&] { show_rules(std::move(*next)); });
  return count;
}

// On the control core.
void Node::Impl::show_rules(std::unique_ptr<screen::Rules> next) {
  next->continue_from(rules.read());
  rules.publish(std::move(next), epoch);
}

// Who waits for the control core first; then the workers, so that nothing new comes; then what they have left in the rings is done and sent from here.
void Node::Impl::stop_in_order() {
  loop.close();
  placements.stop();
  balancer.stop();
  mover.stop();
  monitor.stop();
  server.reset();
  control_server.reset();
  health.stop();
  if (loader.joinable()) loader.join();
  stop.store(true, std::memory_order_relaxed);
  for (unsigned i = 0; i < workers.size(); ++i) nic::join(i);
  exceptions.close();
  while (loop.round() != 0) {
  }
  registrar.stop();
  std::array<nic::Packet, base::burst_pkts_max> pkts;
  while (const std::size_t count = to_wire.pop({reinterpret_cast<void**>(pkts.data()), pkts.size()}))
    for (nic::Packet& p : std::span(pkts).first(count))
      if (ports[p.port()].send(0, {&p, 1}) == 0) nic::free(p);
  for (const auto& ring : to_worker)
    while (const std::size_t count = ring->pop({reinterpret_cast<void**>(pkts.data()), pkts.size()}))
      nic::free(std::span<nic::Packet const>{pkts.data(), count});
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

std::expected<std::unique_ptr<Node>, std::string> Node::start(const config::Config& config, const Folders& folders) {
  auto rules = compile_rules(config, folders.rules);
  if (!rules) return std::unexpected(rules.error());
  auto store = store::open_lmdb(store_of(config));
  if (!store) return std::unexpected(store.error().text);
  if ((*store)->is_read_only()) spdlog::warn("the store at {} cannot be written: placements stand as they are", config.store_path.string());
  const auto fleet = control::read_fleet(**store, config);
  if (!fleet) return std::unexpected(fleet.error());
  auto site = control::build_site(config, fleet->homes);
  if (!site) return std::unexpected(config.file.string() + ": " + site.error());
  auto registering = registrar_of(config, (*site)->domains);
  if (!registering) return std::unexpected(registering.error());
  for (const std::string& difference : control::differences(config, (*site)->homes)) spdlog::warn("{}", difference);
  if (const auto eal = nic::start_eal(eal_of(config)); !eal) return std::unexpected(eal.error());
  auto ports = nic::Ports::start(ports_of(config));
  if (!ports) return std::unexpected(ports.error());
  auto kernel = open_kernel_share(config, *ports);
  if (!kernel) return std::unexpected(kernel.error());
  First first{.site = std::move(*site), .rules = std::move(*rules), .registrar = std::move(*registering), .kernel = std::move(*kernel)};
  auto impl = std::make_unique<Impl>(config, folders, std::move(*store), std::move(*ports), std::move(first), fleet->clients);
  if (const auto placed = impl->place_clients(*fleet); !placed) return std::unexpected(placed.error());
  if (const auto restored = impl->restore_bindings(); !restored) return std::unexpected(restored.error());
  if (const auto open = impl->open_socket(); !open) return std::unexpected(open.error());
  if (const auto open = impl->open_control(); !open) return std::unexpected(open.error());
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

bool Node::run(const std::atomic<bool>& quit) {
  for (unsigned i = 0; i < impl_->workers.size(); ++i) nic::launch(i, [](void* worker) { static_cast<edge::Worker*>(worker)->run(); }, impl_->workers[i].get());
  impl_->registrar.start(static_cast<unsigned>(impl_->workers.size()));
  impl_->monitor.start();
  if (!impl_->store->is_read_only()) {
    impl_->mover.start();
    impl_->balancer.start(balance_of(impl_->config));
  }
  if (impl_->placements.is_loaded())
    impl_->say_ready();
  else
    impl_->loader = std::thread([this] { impl_->load_rest(); });
  impl_->health.begin(impl_->fleet);
  impl_->loop.run(quit);
  impl_->stop_in_order();
  spdlog::info("node {} stopped", impl_->config.node_name);
  return !impl_->failed.load();
}

void Node::reload_and_log() {
  const auto done = impl_->reload();
  if (!done) return spdlog::error("reload refused, nothing changed: {}", done.error());
  for (const std::string& what : done->applied) spdlog::info("reload applied: {}", what);
  for (const std::string& key : done->needs_restart) spdlog::warn("reload: {} needs a restart", key);
  for (const std::string& difference : done->differs) spdlog::warn("reload: {}", difference);
}

}  // namespace viaduct
