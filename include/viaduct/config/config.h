// SPDX-License-Identifier: Apache-2.0
// The whole configuration of a node as one immutable struct, read from TOML; an error says file, line, key and the allowed range.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/base/hash.h"
#include "viaduct/base/link.h"
#include "viaduct/sip/digest.h"

namespace viaduct::config {

/// An endpoint that is served.
struct Listen {
  base::Endpoint endpoint;
  base::Link link;
  bool operator==(const Listen&) const = default;
};

struct Neighbour {
  base::Address address;
  base::Link link;
  std::array<std::uint8_t, 6> mac{};
  bool operator==(const Neighbour&) const = default;
};

struct Home {
  std::string name;
  base::Endpoint address;
  std::vector<base::Endpoint> public_endpoints;   ///< at most one a family; default: address
  std::uint32_t weight{1};
  bool is_local{};
  bool is_viaduct{};                              ///< default: is_local
  std::uint32_t capacity{};                       ///< messages a second that it can serve; 0: not said
  bool is_probed{true};
  std::optional<base::Endpoint> control;          ///< where other nodes call it
  std::uint32_t max_per_s{};                      ///< requests that edges let go there; 0: all
  std::string zone;                               ///< plans keep clients in theirs; empty: that of all who say none
  bool edge_notifies{};                           ///< who watches its clients is told by edges; default: it is no Viaduct
};

/// A prefix of the node's own: what is in it is reached directly.
struct OnLink {
  base::Prefix prefix;
  base::Link link = base::Link::any();
};

/// What is behind a gateway.
struct Way {
  base::Prefix to;
  base::Address via;
  base::Link link = base::Link::any();
};

enum class Redirect : std::uint8_t { single_via, listed, always, never };
enum class Path : std::uint8_t { always, supported, never };
enum class Idle : std::uint8_t { adaptive, poll };
enum class AssignPolicy : std::uint8_t { slots, explicit_ };
/// When a change is on the disk: with its commit, or the last one perhaps only with the next.
enum class StoreFsync : std::uint8_t { full, deferred };

/// Where the ways to others are taken from.
enum class Routes : std::uint8_t { listed, kernel };

/// The kernel's share of the device.
struct Exception {
  std::vector<std::string> taps;        ///< its interfaces, one a port by number; empty: it has none
  bool kernel_answers{};                ///< ARP and Neighbour Discovery for the listeners' addresses
  bool operator==(const Exception&) const = default;
};

struct FleetKey {
  char letter{};                 ///< a to p
  base::Key128 key{};
};

struct DpdkPort {
  std::string name;                     ///< in this configuration; empty: the only one
  std::string device;                   ///< to EAL
  bool operator==(const DpdkPort&) const = default;
};

/// A DPDK profile, substituted: see dpdk-config/README.md.
struct Dpdk {
  std::string profile;
  std::vector<DpdkPort> ports;          ///< by number
  std::vector<std::string> eal_arguments;
  std::uint16_t rx_queues_max{1};       ///< what the device can have; more workers get packets by ring
  bool control_queue{};
  std::uint16_t rx_descriptors{1024};
  std::uint16_t tx_descriptors{1024};
  unsigned buffers_count{16383};
  unsigned large_buffers_count{1023};
  bool checksum_offload{};
  bool ignore_udp_checksum{};
  bool pretend_checksum_offload{};      ///< measurements only: verify and write no checksums, as if the device did
  Idle idle_default{Idle::adaptive};
  bool operator==(const Dpdk&) const = default;
};

/// How much others may send, a worker; a rate of 0 is no limit.
struct Limits {
  std::uint64_t source_pps{}, source_burst{};
  std::uint64_t strangers_pps{}, strangers_burst{};
  std::uint64_t aor_pps{}, aor_burst{};
  std::uint64_t reply_bytes_per_s{}, reply_burst_bytes{};
  unsigned source_bits_v4{32}, source_bits_v6{64};   ///< sources that agree so far are one
  bool answer_503{};
  std::vector<base::Prefix> friends;
};

/// Subscriptions to the registrations of clients of the local home, and of homes for which edges notify.
struct Watching {
  std::vector<base::Prefix> prefixes;              ///< from these anybody may be watched
  std::uint32_t expires_default_s{3761};
  std::uint32_t expires_min_s{60};
  std::uint32_t expires_max_s{7200};
  std::uint32_t per_client_max{32};
  std::size_t subscriptions_max{100'000};
  std::uint32_t notifies_per_s{5'000};
};

/// What becomes of a plan that is due.
enum class AutoBalance : std::uint8_t { off, propose, apply };

/// How the load of homes and clients is measured.
struct Measuring {
  std::uint32_t window_s{300};                     ///< over which homes are compared
  std::uint32_t half_life_s{1800};                 ///< after which a client's message counts half
  std::size_t clients_tracked{1'000'000};
  bool operator==(const Measuring&) const = default;
};

/// ... and how it is evened out.
struct Balance {
  AutoBalance automatic{AutoBalance::propose};
  std::uint32_t target_percent{5};                 ///< a plan leaves no home further above its share
  std::uint32_t uneven_percent{108};               ///< of the mean: a home above it in uneven_windows in a row asks for a plan
  std::uint32_t uneven_windows{3};
  std::uint32_t hot_percent{125};                  ///< the same in one window
  std::uint32_t capacity_percent{85};              ///< of what a home says it can serve
  std::uint32_t plan_moves_percent{9};             ///< of all clients, in one plan; drains are not bound by it
  std::uint32_t hour_moves_percent{1};             ///< the same in an hour, of plans made by themselves
  std::uint32_t clients_per_s{2000};               ///< that set out
  std::uint32_t receiver_clients_per_s{200};       ///< ... towards one home
  std::uint32_t donor_clients_per_s{200};          ///< ... away from one, unless it is evacuated
  std::uint32_t deadline_s{7200};                  ///< after which a move that nobody confirms is over
  std::uint32_t cooldown_s{7200};                  ///< for which who has moved stays
  std::uint32_t settled_s{180};                    ///< for which CANCEL and ACK go to both homes after a move
};

/// How it is found out which homes are alive.
struct Health {
  bool is_enabled{true};
  std::uint32_t interval_ms{2'000};                ///< between two probes of a home
  std::uint32_t timeout_ms{1'000};                 ///< of a probe; at most the interval
  std::uint32_t down_after{3};                     ///< probes in a row that were not answered
  std::uint32_t up_after{5};                       ///< probes in a row that were
  std::uint32_t slow_start_s{60};                  ///< in which the clients of a home that is up again go back to it; 0: at once
};

/// An edge of the fleet, as the directory names it.
struct DirectoryEdge {
  std::string name;                                ///< host name, lower case
  std::vector<base::Endpoint> addresses;           ///< one or two, of one port, at most one a family
  std::uint16_t weight{100};
  bool is_probed{true};
  bool is_draining{};                              ///< the operator wants nobody new there
  std::optional<base::Endpoint> control;           ///< where its node tells how busy it is
};

/// Where a fleet's nodes share their assignment.
struct Etcd {
  std::vector<base::Endpoint> endpoints;           ///< of its servers, for clients
  std::string prefix{"viaduct"};                   ///< of the fleet's keys
  std::filesystem::path ca;                        ///< empty: no TLS
  std::filesystem::path certificate, key;          ///< this node's; empty: it shows none
  bool operator==(const Etcd&) const = default;
};

/// Where the directory is asked.
struct DirectoryAccess {
  std::filesystem::path socket;                    ///< PowerDNS's
  std::string group;                               ///< which may use it; empty: the daemon's own
  std::optional<base::Endpoint> http;
  bool operator==(const DirectoryAccess&) const = default;
};

/// What the directory tells clients of their first server.
struct Directory {
  std::vector<DirectoryEdge> edges;
  std::vector<std::string> zones;                  ///< lower case, none within another
  std::vector<std::string> nameservers;
  std::uint32_t ttl_s{30};
};

struct Config {
  std::filesystem::path file;
  // [node]
  std::string node_name;
  std::vector<Listen> listen;
  std::vector<std::string> node_names;             ///< host names that mean this node, lower case
  std::filesystem::path runtime_dir;               ///< control socket: runtime_dir/NAME.sock
  unsigned workers{1};
  std::vector<unsigned> worker_cpus;
  unsigned control_cpu{};
  unsigned burst_pkts{32};
  Idle idle{};
  // [network]
  Routes routes{};
  std::vector<OnLink> on_link;
  std::vector<Way> ways;                           ///< the gateways' last
  std::size_t mtu_bytes{1500};                     ///< of an IP packet
  std::vector<Neighbour> neighbours;               ///< [[neighbour]]
  // [exception]
  Exception exception;
  // [dpdk]
  Dpdk dpdk;
  // [sip]
  std::vector<std::string> domains;
  std::vector<std::pair<std::string, std::string>> domain_aliases;
  std::string default_domain;
  std::string server_header;                       ///< value of Server; empty: none
  // [redirect]
  Redirect redirect{};
  std::uint16_t redirect_status{302};
  std::vector<base::Prefix> trusted_proxies;       ///< from these a second Via counts
  std::vector<base::Prefix> redirect_from;
  // [proxy]
  Path path{};
  bool record_route{true};
  // [fleet]
  base::Key128 fleet_seed{};
  std::vector<FleetKey> fleet_keys;                ///< one or two; the first signs
  std::vector<base::Prefix> edges;                 ///< a REGISTER from these is registered at a local home, whatever the table says
  std::vector<Home> homes;                         ///< [[home]]
  // [health]
  Health health;
  // [assign]
  AssignPolicy assign_policy{};
  std::filesystem::path assignments_file;          ///< CSV aor,home[,pin]; empty: none
  std::size_t entries_expected{1'000'000};
  // [store]
  std::filesystem::path store_path;                ///< folder of the durable store
  std::uint64_t store_bytes_max{};                 ///< of its file
  StoreFsync store_fsync{};
  // [balance]
  Measuring measuring;
  Balance balance;
  // [registrar]
  std::uint32_t expires_default_s{3600};
  std::uint32_t expires_min_s{60};
  std::uint32_t expires_max_s{7200};
  std::uint32_t expires_spread_percent{};          ///< granted expiries are up to so much shorter, at random
  std::uint32_t bindings_per_aor_max{10};
  std::size_t bindings_max{1'000'000};
  unsigned shards{1};                              ///< of the registrar; one shares the control core
  std::vector<unsigned> shard_cpus;                ///< one a shard; empty where there is one shard
  std::vector<std::string> service_route;          ///< URIs of the Service-Route in a 200 to a REGISTER
  std::filesystem::path credentials_file;          ///< lines aor,algorithm,ha1; empty: nobody is asked to prove who he is
  std::string realm;
  std::vector<sip::DigestAlgorithm> digest_algorithms{sip::DigestAlgorithm::sha512_256, sip::DigestAlgorithm::sha256, sip::DigestAlgorithm::md5};
  // [watchers]
  Watching watching;
  // [control]
  std::optional<Etcd> etcd;                        ///< unset: this node has its store for itself
  std::optional<base::Endpoint> control_listen;    ///< where other nodes call this one; unset: nowhere
  // [metrics]
  std::optional<base::Endpoint> metrics_listen;    ///< where a monitoring system asks; unset: nowhere
  // [directory]
  std::optional<DirectoryAccess> directory_access; ///< unset: there is no directory
  Directory directory;
  // [screen]
  std::filesystem::path rules_file;                ///< the operator's rules; empty: none
  bool shipped_rules{true};
  std::size_t screen_cache_entries{16'384};        ///< values a worker remembers
  // [limits]
  std::size_t ring_slots{4096};                    ///< each ring between cores
  std::size_t neighbours_max{4096};
  std::size_t redirects_kept{262'144};              ///< redirects remembered a worker
  std::size_t limit_entries{65'536};               ///< sources, and as many clients, told apart a worker
  Limits limits;
};

/// Where and why a configuration is refused: `file:line: key: what; allowed: range`.
struct Error {
  std::string text;
};

/// Read and check a file. Relative paths in it count from its folder. Profiles are looked for in `profile_dirs`, in order.
[[nodiscard]] std::expected<Config, Error> load(const std::filesystem::path& file, const std::vector<std::filesystem::path>& profile_dirs);

/// Whether this process can have the CPUs that a configuration's file names. Errors: as load().
[[nodiscard]] std::expected<void, Error> check_cpus(const Config& config);

/// A home from a TOML table's text, checked as one of the file is. Errors: key: what; allowed: range.
[[nodiscard]] std::expected<Home, Error> read_home(std::string_view toml, const Config& config);

/// What differs between two configurations and cannot be applied without a restart: keys, one a line.
[[nodiscard]] std::vector<std::string> needs_restart(const Config& running, const Config& next);
/// Give `next` the running values of what needs_restart names.
void keep_until_restart(const Config& running, Config& next);

/// What is wrong with a value, and what is allowed.
struct Fault {
  std::string_view what, allowed;
};
/// Why a home elsewhere cannot be at an address: it is this node's own, of a family without a listener, or there is no way to it. nullopt: it can.
[[nodiscard]] std::optional<Fault> fault_of_home(const Config& config, const base::Endpoint& address);

/// One row of an assignments file.
struct AssignmentRow {
  std::string aor;      ///< as written
  std::string home;
  bool pin{};
};
/// Read a line of CSV: `aor,home` or `aor,home,pin`. Returns nothing for what is no row: blank, a comment (`#`), the header line `aor,home`.
/// Errors: what is wrong with the line, and what is allowed.
[[nodiscard]] std::expected<std::optional<AssignmentRow>, std::string> read_assignment(std::string_view line);
/// The same for a line of which only the first field counts: an AoR. The header line is `aor`.
[[nodiscard]] std::expected<std::optional<std::string>, std::string> read_aor(std::string_view line);

}  // namespace viaduct::config
