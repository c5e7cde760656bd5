// SPDX-License-Identifier: Apache-2.0
// The one place that knows all parts of a node, and the order in which they start and stop.
#include "node.h"

#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "viaduct/api/server.h"
#include "viaduct/api/verbs.h"
#include "viaduct/control/build_site.h"
#include "viaduct/edge/worker.h"

namespace viaduct {
namespace {

registrar::Rules rules_of(const config::Config& c) {
  return {.expires_default_s = c.expires_default_s,
          .expires_min_s = c.expires_min_s,
          .expires_max_s = c.expires_max_s,
          .bindings_per_aor_max = c.bindings_per_aor_max,
          .bindings_max = c.bindings_max};
}

nic::EalConfig eal_of(const config::Config& c) {
  return {.arguments = c.dpdk.eal_arguments, .file_prefix = "viaduct-" + c.node_name, .worker_cpus = c.worker_cpus, .control_cpu = c.control_cpu};
}

nic::Offload offload_of(const config::Dpdk& d) {
  if (d.pretend_checksum_offload) return nic::Offload::pretended;
  return d.checksum_offload ? nic::Offload::automatic : nic::Offload::software;
}

nic::PortConfig port_of(const config::Config& c) {
  return {.queues_wanted = static_cast<std::uint16_t>(std::min<unsigned>(c.workers, c.dpdk.rx_queues_max)),
          .control_queue = c.dpdk.control_queue,
          .rx_descriptors = c.dpdk.rx_descriptors,
          .tx_descriptors = c.dpdk.tx_descriptors,
          .buffers_count = c.dpdk.buffers_count,
          .large_buffers_count = c.dpdk.large_buffers_count,
          .offload = offload_of(c.dpdk),
          .ignore_udp_checksum = c.dpdk.ignore_udp_checksum};
}

std::vector<std::unique_ptr<share::Ring>> worker_rings(const config::Config& c) {
  std::vector<std::unique_ptr<share::Ring>> rings;
  for (unsigned i = 0; i < c.workers; ++i) rings.push_back(std::make_unique<share::Ring>("worker" + std::to_string(i), c.ring_slots, share::Producers::many));
  return rings;
}

}  // namespace

struct Node::Impl {
  config::Config config;
  std::vector<std::filesystem::path> profile_dirs;
  std::unique_ptr<nic::Port> port;
  share::Epoch epoch{base::workers_max};
  share::Published<site::Site> site;
  share::Published<site::Neighbours> neighbours{std::make_unique<const site::Neighbours>()};
  assign::Assignment assignment;
  share::Ring to_registrar, to_control, to_wire;
  std::vector<std::unique_ptr<share::Ring>> to_worker;
  std::vector<share::Counters> counters;
  std::atomic<std::uint32_t> now_min{};
  std::atomic<bool> stop{};
  site::Commons commons;
  registrar::Shard shard;
  site::Wire control_wire;
  control::Resolver resolver;
  control::Loop loop;
  control::Placements placements;
  std::vector<std::unique_ptr<edge::Worker>> workers;
  api::Plant plant;
  std::unique_ptr<api::Server> server;
  std::mutex reloading;

  Impl(const config::Config& c, std::vector<std::filesystem::path> dirs, std::unique_ptr<nic::Port> started_port, std::unique_ptr<const site::Site> first_site)
      : config(c),
        profile_dirs(std::move(dirs)),
        port(std::move(started_port)),
        site(std::move(first_site)),
        assignment(c.assign_policy == config::AssignPolicy::slots ? assign::Policy::slots : assign::Policy::explicit_, c.entries_expected),
        to_registrar("to_registrar", c.ring_slots, share::Producers::many),
        to_control("to_control", c.ring_slots, share::Producers::many),
        to_wire("to_wire", c.ring_slots, share::Producers::many),
        to_worker(worker_rings(c)),
        counters(c.workers),
        commons{.port = *port,
                .epoch = epoch,
                .site = site,
                .neighbours = neighbours,
                .assignment = assignment,
                .to_registrar = to_registrar,
                .to_control = to_control,
                .to_wire = to_wire,
                .to_worker = to_worker,
                .counters = counters,
                .now_min = now_min,
                .stop = stop},
        shard(commons, true, rules_of(c)),
        control_wire(commons, true),
        resolver(commons, control_wire, c.neighbours_max),
        loop(commons, resolver, [this](std::size_t most, std::uint64_t now_s) { return shard.poll(most, now_s); }),
        placements(commons),
        plant{.config = config,
              .commons = commons,
              .loop = loop,
              .placements = placements,
              .resolver = resolver,
              .shard = shard,
              .control_wire = control_wire,
              .reload = [this] { return reload(); },
              .started = std::chrono::steady_clock::now()} {
    for (unsigned i = 0; i < c.workers; ++i)
      workers.push_back(std::make_unique<edge::Worker>(
          commons, edge::WorkerConfig{.index = i, .burst_pkts = c.burst_pkts, .guard_entries = c.guard_entries, .idle = c.idle}));
  }

  std::expected<void, std::string> place_clients() {
    assignment.deal_slots(site.read().homes, config.fleet_seed);
    resolver.set_static(config.neighbours);
    const auto changes = control::Placements::changes_from(config, site.read());
    if (!changes) return std::unexpected(changes.error());
    placements.apply_file(*changes);
    return {};
  }

  std::expected<void, std::string> open_socket() {
    std::error_code ignored;
    std::filesystem::create_directories(config.runtime_dir, ignored);
    auto started =
        api::Server::start(config.runtime_dir / (config.node_name + ".sock"), [this](const nlohmann::json& request) { return api::answer(plant, request); });
    if (!started) return std::unexpected(started.error());
    server = std::move(*started);
    return {};
  }

  std::expected<api::Reload, std::string> reload();
  void stop_in_order();
};

// Files are read on the caller's thread; the control core only swaps what has been checked. What a running node cannot change keeps its old value.
std::expected<api::Reload, std::string> Node::Impl::reload() {
  const std::lock_guard one_at_a_time(reloading);
  auto next = config::load(config.file, profile_dirs);
  if (!next) return std::unexpected(next.error().text);
  api::Reload done{.needs_restart = config::needs_restart(config, *next)};
  next->listen = config.listen;
  next->fleet_seed = config.fleet_seed;
  auto built = control::build_site(*next, &site.read());
  if (!built) return std::unexpected(built.error());
  const auto changes = control::Placements::changes_from(*next, **built);
  if (!changes) return std::unexpected(changes.error());
  loop.call([&] {
    site.publish(std::move(*built), epoch);
    const std::size_t placed = placements.apply_file(*changes);
    resolver.set_static(next->neighbours);
    shard.bindings().set_rules(rules_of(*next));
    done.applied = {"homes, domains, policy, keys, prefixes", "assignments file: " + std::to_string(placed) + " entries", "neighbours", "registrar rules"};
    done.epoch = assignment.epoch();
  });
  return done;
}

// Workers first, so that nothing new comes; then what they have left in the rings is done and sent from here.
void Node::Impl::stop_in_order() {
  server.reset();
  stop.store(true, std::memory_order_relaxed);
  for (unsigned i = 0; i < workers.size(); ++i) nic::join(i);
  loop.close();
  while (loop.round() != 0) {
  }
  std::array<nic::Packet, base::burst_pkts_max> pkts;
  while (const std::size_t count = to_wire.pop({reinterpret_cast<void**>(pkts.data()), pkts.size()})) {
    const std::size_t sent = port->send(0, {pkts.data(), count});
    nic::free(std::span<nic::Packet const>{pkts.data() + sent, count - sent});
  }
  for (const auto& ring : to_worker)
    while (const std::size_t count = ring->pop({reinterpret_cast<void**>(pkts.data()), pkts.size()}))
      nic::free(std::span<nic::Packet const>{pkts.data(), count});
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

std::expected<std::unique_ptr<Node>, std::string> Node::start(const config::Config& config, const std::vector<std::filesystem::path>& profile_dirs) {
  auto site = control::build_site(config, nullptr);
  if (!site) return std::unexpected(config.file.string() + ": " + site.error());
  if (const auto eal = nic::start_eal(eal_of(config)); !eal) return std::unexpected(eal.error());
  auto port = nic::Port::start(port_of(config));
  if (!port) return std::unexpected(port.error());
  auto impl = std::make_unique<Impl>(config, profile_dirs, std::move(*port), std::move(*site));
  if (const auto placed = impl->place_clients(); !placed) return std::unexpected(placed.error());
  if (const auto open = impl->open_socket(); !open) return std::unexpected(open.error());
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

void Node::run(const std::atomic<bool>& quit) {
  for (unsigned i = 0; i < impl_->workers.size(); ++i) nic::launch(i, [](void* worker) { static_cast<edge::Worker*>(worker)->run(); }, impl_->workers[i].get());
  std::puts("READY");
  std::fflush(stdout);
  spdlog::info("node {} ready: {} workers on {}, {} homes", impl_->config.node_name, impl_->workers.size(), impl_->port->driver(),
               impl_->site.read().homes.size());
  impl_->loop.run(quit);
  impl_->stop_in_order();
  spdlog::info("node {} stopped", impl_->config.node_name);
}

void Node::reload_and_log() {
  const auto done = impl_->reload();
  if (!done) return spdlog::error("reload refused, nothing changed: {}", done.error());
  for (const std::string& what : done->applied) spdlog::info("reload applied: {}", what);
  for (const std::string& key : done->needs_restart) spdlog::warn("reload: {} needs a restart", key);
}

}  // namespace viaduct
