// SPDX-License-Identifier: Apache-2.0
// All parts of a node, in the order in which they are made: node.cpp puts them together, restore.cpp fills them, reload.cpp changes them, tell.cpp tells
// others of moves.
#pragma once
#include <atomic>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kernel_share.h"
#include "node.h"
#include "supervisor.h"
#include "viaduct/api/control_server.h"
#include "viaduct/api/directory_server.h"
#include "viaduct/api/metrics.h"
#include "viaduct/api/server.h"
#include "viaduct/api/verbs.h"
#include "viaduct/control/import.h"
#include "viaduct/control/names.h"
#include "viaduct/control/peers.h"
#include "viaduct/control/replica.h"
#include "viaduct/edge/worker.h"

namespace viaduct {

// What there is before the first poll.
struct First {
  std::unique_ptr<const site::Site> site;
  std::unique_ptr<const screen::Rules> rules;
  registrar::Settings registrar;
  KernelShare kernel;
};

struct Node::Impl {
  config::Config config;
  config::Config applied;   // what a reload has changed; written with the pen in hand
  std::mutex reloading;     // held from before the files are read, so that of two reloads the later holds
  Folders folders;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::SharedLog> shared_log;         // null: not configured
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
  site::Identifications identifications;
  site::Welcome welcome;
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
  migration::Mover mover;
  migration::Balancer balancer;
  std::vector<std::unique_ptr<edge::Worker>> workers;
  std::unique_ptr<control::Names> names;                // null: not configured
  std::optional<control::Replica> replica;              // nullopt: not configured, or the store cannot be written
  api::Plant plant;
  std::unique_ptr<api::Server> server;
  std::unique_ptr<api::ControlServer> control_server;   // null: not configured
  std::unique_ptr<api::DirectoryServer> directory;      // the same
  std::unique_ptr<api::MetricsServer> metrics;          // the same
  std::optional<Watchdog> watchdog;                     // nobody watches without
  std::thread loader;
  std::atomic<bool> failed{};

  Impl(const config::Config& c, Folders looked_in, std::unique_ptr<store::Store> opened, nic::Ports started, First first, std::uint64_t clients);

  std::expected<void, std::string> place_clients(control::FleetState state);
  std::expected<bool, std::string> join(control::FleetState& state);
  std::expected<control::ImportReport, std::string> read_assignments(control::Batch batch, bool is_dry);
  void follow_fleet();
  std::vector<control::SeenElsewhere> seen_by_others();
  std::expected<void, std::string> seed(const control::FleetState& state);
  std::expected<void, std::string> restore_bindings();
  control::Expected<std::vector<sip::ClientKey>> tell(assign::HomeIndex from, migration::Tidings tidings, std::span<const migration::Step* const> clients);
  control::Expected<std::vector<const migration::Step*>> sticky_at(assign::HomeIndex from, bool is_called, std::span<const migration::Step* const> clients);
  void load_rest();
  std::expected<void, std::string> open_socket();
  std::expected<void, std::string> open_control();
  std::expected<void, std::string> open_directory();
  std::expected<void, std::string> open_metrics();
  std::expected<api::Reload, std::string> reload();
  std::expected<std::size_t, std::string> reload_rules();
  void show_rules(std::unique_ptr<screen::Rules> next);
  void say_ready() const;
  void stop_in_order();
};

}  // namespace viaduct
