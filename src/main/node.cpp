// SPDX-License-Identifier: Apache-2.0
// How a node's parts are put together, and the order in which they start and stop.
#include "node.h"

#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "node_impl.h"
#include "rules.h"
#include "settings.h"
#include "viaduct/api/node_calls.h"
#include "viaduct/control/build_site.h"
#include "viaduct/control/homes.h"

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

}  // namespace

Node::Impl::Impl(const config::Config& c, Folders looked_in, std::unique_ptr<store::Store> opened, nic::Ports started, First first, std::uint64_t clients)
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
      identifications(fresh_key()),
      welcome(c.limit_entries * c.workers, fresh_key()),
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
              .welcome = welcome,
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
            [this](assign::HomeIndex from, migration::Tidings tidings, std::span<const migration::Step* const> steps) { return tell(from, tidings, steps); }),
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
            .names = names,
            .replica = replica,
            .reload = [this] { return reload(); },
            .reload_rules = [this] { return reload_rules(); },
            .started = std::chrono::steady_clock::now()} {
  resolver.on_unreachable([this](assign::HomeIndex home) { health.doubt(home); });
  resolver.follow(std::move(first.kernel.networks));
  loop.add([this](std::uint64_t) { return monitor.turn(); });
  for (unsigned i = 0; i < c.workers; ++i) workers.push_back(std::make_unique<edge::Worker>(commons, worker_of(c, i)));
}

std::expected<void, std::string> Node::Impl::open_socket() {
  std::error_code ignored;
  std::filesystem::create_directories(config.runtime_dir, ignored);
  auto started = api::Server::open(config.runtime_dir / (config.node_name + ".sock"),
                                   [this](const nlohmann::json& request, const std::string& who) { return api::answer(plant, request, who); });
  if (!started) return std::unexpected(started.error());
  server = std::move(*started);
  return {};
}

std::expected<void, std::string> Node::Impl::open_control() {
  if (!config.control_listen) return {};
  const auto keys = [this] {
    sip::SigningKeys now;
    loop.call([&] { now = site.read().keys; });
    return now;
  };
  auto started = api::ControlServer::open(
      *config.control_listen, keys, [this](const std::string& target, const nlohmann::json& request) { return api::answer_node(plant, target, request); });
  if (!started) return std::unexpected(started.error());
  control_server = std::move(*started);
  return {};
}

std::expected<void, std::string> Node::Impl::open_directory() {
  if (!config.directory_access) return {};
  names = std::make_unique<control::Names>(commons, loop, health, peers, config, plant.started);
  auto started = api::DirectoryServer::open(*config.directory_access, plant);
  if (!started) return std::unexpected(started.error());
  directory = std::move(*started);
  return {};
}

std::expected<void, std::string> Node::Impl::open_metrics() {
  if (!config.metrics_listen) return {};
  auto started = api::MetricsServer::open(*config.metrics_listen, plant);
  if (!started) return std::unexpected(started.error());
  metrics = std::move(*started);
  return {};
}

void Node::Impl::say_ready() const {
  std::puts("READY");
  std::fflush(stdout);
  tell_supervisor("READY=1");
  spdlog::info("node {} ready: {} workers on {}, {} clients placed", config.node_name, workers.size(), ports[0].driver(),
               assignment.statistics().pins + assignment.statistics().overrides);
}

// Who waits for the control core first, while it goes on; then the workers, so that nothing new comes; then what they have left in the rings is done and sent
// from here.
void Node::Impl::stop_in_order() {
  tell_supervisor("STOPPING=1");
  peers.stop();
  std::atomic<bool> nobody_waits{};
  std::thread ending([&] {
    watchdog.reset();
    if (replica) replica->tell_arrivals();
    placements.stop();
    if (replica) replica->stop();
    {
      const std::lock_guard none_is_under_way(reloading);   // it would call the control core; and none begins any more
    }
    balancer.stop();
    mover.stop();
    monitor.stop();
    server.reset();
    control_server.reset();
    directory.reset();
    metrics.reset();
    if (names) names->stop();
    if (loader.joinable()) loader.join();
    nobody_waits.store(true, std::memory_order_relaxed);
  });
  loop.run(nobody_waits);
  ending.join();
  loop.close();
  health.stop();
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
  if (const auto cpus = config::check_cpus(config); !cpus) return std::unexpected(cpus.error().text);
  auto rules = compile_rules(config, config.workers, folders.rules);
  if (!rules) return std::unexpected(rules.error());
  auto store = store::open_lmdb(store_of(config));
  if (!store) return std::unexpected(store.error().text);
  if ((*store)->is_read_only())
    spdlog::warn(
        "the store at {} cannot be written: placements stand as they are, nobody moves, and what becomes of registrations and subscriptions is not kept until "
        "a restart",
        config.store_path.string());
  const auto fleet = control::read_fleet(**store, config);
  if (!fleet) return std::unexpected(fleet.error());
  auto site = control::build_site(config, fleet->homes);
  if (!site) return std::unexpected(config.file.string() + ": " + site.error());
  auto registering = registrar_of(config, (*site)->domains);
  if (!registering) return std::unexpected(registering.error());
  if (const auto eal = nic::start_eal(eal_of(config)); !eal) return std::unexpected(eal.error());
  auto ports = nic::Ports::start(ports_of(config));
  if (!ports) return std::unexpected(ports.error());
  auto kernel = open_kernel_share(config, *ports);
  if (!kernel) return std::unexpected(kernel.error());
  // The table and the snapshots, which workers read all the time.
  if (!nic::take_memory_near(config.workers)) spdlog::warn("the kernel does not let memory be taken from the workers' NUMA nodes");
  First first{.site = std::move(*site), .rules = std::move(*rules), .registrar = std::move(*registering), .kernel = std::move(*kernel)};
  auto impl = std::make_unique<Impl>(config, folders, std::move(*store), std::move(*ports), std::move(first), fleet->clients);
  // What another process may have comes before an empty store is seeded: who does not start leaves nothing behind.
  if (const auto open = impl->open_socket(); !open) return std::unexpected(open.error());
  if (const auto open = impl->open_control(); !open) return std::unexpected(open.error());
  if (const auto open = impl->open_directory(); !open) return std::unexpected(open.error());
  if (const auto open = impl->open_metrics(); !open) return std::unexpected(open.error());
  if (const auto placed = impl->place_clients(*fleet); !placed) return std::unexpected(placed.error());
  if (const auto restored = impl->restore_bindings(); !restored) return std::unexpected(restored.error());
  impl->server->serve();
  if (impl->control_server) impl->control_server->serve();
  if (impl->directory) impl->directory->serve();
  if (impl->metrics) impl->metrics->serve();
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

bool Node::run(const std::atomic<bool>& quit) {
  for (unsigned i = 0; i < impl_->workers.size(); ++i) nic::launch(i, [](void* worker) { static_cast<edge::Worker*>(worker)->run(); }, impl_->workers[i].get());
  impl_->registrar.start(static_cast<unsigned>(impl_->workers.size()));
  impl_->monitor.start();
  impl_->follow_fleet();
  if (impl_->names) impl_->names->start();
  if (!impl_->store->is_read_only()) {
    impl_->mover.start();
    impl_->balancer.start(balance_of(impl_->config));
  }
  if (impl_->placements.is_loaded())
    impl_->say_ready();
  else
    impl_->loader = std::thread([this] { impl_->load_rest(); });
  impl_->health.begin(impl_->fleet);
  if (const auto interval = watchdog_interval()) impl_->watchdog.emplace(*interval, [this] { return impl_->loop.wait_until_seen(); });
  impl_->loop.run(quit);
  impl_->stop_in_order();
  spdlog::info("node {} stopped", impl_->config.node_name);
  return !impl_->failed.load();
}

}  // namespace viaduct
