// SPDX-License-Identifier: Apache-2.0
// [[home]], [fleet], [control], [metrics], [assign] and [store]: the servers behind, the secrets shared with them, who calls this node, where clients' homes
// come from and where they are kept.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "sections.h"
#include "values.h"
#include "viaduct/base/limits.h"

namespace viaduct::config {
namespace {

constexpr std::size_t fleet_keys_max = 2;  // the one that signs, and the one before or after it while keys are rotated
constexpr std::string_view fleet_key_text = "LETTER:KEY, a letter from a to p and 32 hexadecimal digits";

bool is_listener(const Config& config, const base::Endpoint& at) { return std::ranges::find(config.listen, at, &Listen::endpoint) != config.listen.end(); }

/// Where clients are sent: the addresses given, else the one where edges send.
void read_public(const Table& table, const Config& config, Home& home) {
  for (const auto& item : table.items("public", endpoint_text)) {
    const auto at = endpoint(item);
    for (const auto& other : home.public_endpoints)
      if (other.address.is_v4() == at.address.is_v4())
        item.refuse_text(at.address.is_v4() ? "is a second IPv4 address" : "is a second IPv6 address", "one address a family");
    if (!home.is_local && is_listener(config, at)) item.refuse_text("is this node's own", "another server's address, or local = true");
    home.public_endpoints.push_back(at);
  }
  if (home.public_endpoints.empty()) home.public_endpoints = {home.address};
}

/// A Viaduct, which is what has a control address, tells itself who watches its clients.
void read_reg_notifier(const Table& table, Home& home) {
  const bool is_its_own = home.is_viaduct || home.control.has_value();
  home.edge_notifies = table.choice<bool>("reg_notifier", {{"edge", true}, {"home", false}}, !is_its_own);
  if (home.edge_notifies && is_its_own) table.place("reg_notifier").refuse("is \"edge\" for a Viaduct", "\"home\" when viaduct is true or control is given");
}

Home read_home(const Table& table, const Config& config) {
  table.only({"name", "address", "public", "weight", "capacity", "local", "viaduct", "probe", "control", "zone", "reg_notifier", "max_per_s"});
  Home home;
  home.name = label(table.required_item("name", label_text(base::home_name_bytes_max)), base::home_name_bytes_max);
  const auto address = table.required_item("address", endpoint_text);
  home.address = endpoint(address);
  home.is_local = table.flag("local", false);
  read_public(table, config, home);
  home.weight = table.number<std::uint32_t>("weight", {1, 65535}, 1);
  home.capacity = table.number<std::uint32_t>("capacity", {0, 1'000'000'000}, 0);
  home.max_per_s = table.number<std::uint32_t>("max_per_s", {0, 100'000'000}, 0);
  home.is_viaduct = table.flag("viaduct", home.is_local);
  if (home.is_local && !home.is_viaduct) table.place("viaduct").refuse("is false for a local home", "true when local is true");
  home.is_probed = table.flag("probe", true);
  if (const auto control = table.item("control", control_text)) home.control = control_endpoint(*control);
  if (const auto zone = table.item("zone", label_text(base::home_name_bytes_max))) home.zone = label(*zone, base::home_name_bytes_max);
  read_reg_notifier(table, home);
  if (const auto fault = fault_of_home(config, home.address); fault && !home.is_local) address.refuse_text(fault->what, fault->allowed);
  return home;
}

FleetKey fleet_key(const Item& item) {
  FleetKey out;
  if (item.text.size() < 2 || item.text[0] < 'a' || item.text[0] > 'p' || item.text[1] != ':') item.refuse("has no letter in front", fleet_key_text);
  out.letter = item.text[0];
  out.key = key128(item, std::string_view{item.text}.substr(2));
  return out;
}

}  // namespace

std::optional<Fault> fault_of_home(const Config& config, const base::Endpoint& address) {
  const auto& at = address.address;
  if (is_listener(config, address)) return Fault{"is this node's own address", "another server's address, or local = true"};
  if (std::ranges::none_of(config.listen, [&](const base::Endpoint& own) { return own.address.is_v4() == at.is_v4(); }, &Listen::endpoint))
    return Fault{"is of an IP version that no listener has", "an address of a family that node.listen has one of"};
  if (config.routes == Routes::listed && !is_reached(config, at))
    return Fault{"cannot be reached: it is not on-link, and there is no gateway", "an address in network.prefix, or any with network.gateway"};
  return std::nullopt;
}

void read_homes(const Table& root, Config& config) {
  const auto tables = root.children("home");
  if (tables.size() > base::homes_max)
    root.place("home").refuse("stands " + std::to_string(tables.size()) + " times", "up to " + std::to_string(base::homes_max) + " homes");
  std::unordered_set<std::string_view> names;
  std::map<base::Endpoint, std::string_view> addresses;
  const Home* local = nullptr;
  config.homes.reserve(tables.size());
  for (const auto& table : tables) {
    const auto& home = config.homes.emplace_back(read_home(table, config));
    if (!names.insert(home.name).second) table.place("name").refuse('"' + home.name + "\" is given twice", "each name once");
    if (const auto [at, is_new] = addresses.emplace(home.address, home.name); !is_new)
      table.place("address").refuse('"' + home.address.text() + "\" is that of \"" + std::string{at->second} + "\" as well", "each address once");
    if (!home.is_local) continue;
    if (local != nullptr) table.place("local").refuse("is true for a second home, after \"" + local->name + '"', "at most one local home a node");
    local = &home;
  }
}

std::expected<Home, Error> read_home(std::string_view toml, const Config& config) {
  const std::filesystem::path file{"home"};
  try {
    const toml::table table = toml::parse(toml);
    return read_home(Table{file, &table, "", 1}, config);
  } catch (const Refused& refused) {
    return std::unexpected(Error{refused.text});
  } catch (const toml::parse_error& error) {
    return std::unexpected(Error{"home: " + std::string{error.description()}});
  }
}

void read_fleet(const Table& fleet, Config& config) {
  fleet.only({"seed", "keys", "edges"});
  if (const auto seed = fleet.item("seed", key_text)) config.fleet_seed = key128(*seed, seed->text);
  const auto keys = fleet.items("keys", fleet_key_text);
  for (const auto& item : keys) {
    if (config.fleet_keys.size() == fleet_keys_max) item.refuse("is a third key", "one or two keys");
    config.fleet_keys.push_back(fleet_key(item));
    if (config.fleet_keys.size() == 2 && config.fleet_keys[0].letter == config.fleet_keys[1].letter)
      item.refuse("has the first key's letter", "another letter from a to p");
  }
  config.edges = prefixes(fleet.items("edges", prefix_text));
  if (config.homes.empty() && keys.empty()) return;
  if (!fleet.has("seed")) fleet.place("seed").refuse(config.homes.empty() ? "is missing, and there are keys" : "is missing, and there are homes", key_text);
  if (config.fleet_keys.empty()) fleet.place("keys").refuse("is missing, and there are homes", "one or two of " + std::string{fleet_key_text});
}

void read_control(const Table& control, Config& config) {
  control.only({"listen"});
  const auto listen = control.item("listen", control_text);
  if (!listen) return;
  config.control_listen = control_endpoint(*listen);
  if (config.fleet_keys.empty()) listen->refuse("needs fleet.keys, which authenticate who calls", "none without fleet.keys");
}

namespace {

constexpr std::string_view prefix_of_keys_text = "letters, digits, hyphens, underscores, dots and slashes, not at the ends";

std::string prefix_of_keys(const Item& item) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
  const std::string& text = item.text;
  const bool is_good = !text.empty() && text.size() <= base::home_name_bytes_max && text.find_first_not_of(allowed) == std::string::npos &&
                       text.front() != '/' && text.back() != '/';
  if (!is_good) item.refuse_text("is no prefix of keys", prefix_of_keys_text);
  return text;
}

std::filesystem::path pem_file(const Item& item, const Config& config) {
  const auto file = from_folder_of(config.file, item.text);
  std::error_code failure;
  if (!std::filesystem::is_regular_file(file, failure)) item.refuse(file.string() + " is not a file that can be read", "a PEM file");
  return file;
}

}  // namespace

void read_etcd(const Table& etcd, Config& config) {
  etcd.only({"endpoints", "prefix", "ca", "certificate", "key"});
  const auto endpoints = etcd.items("endpoints", control_text);
  if (endpoints.empty()) {
    for (const char* key : {"prefix", "ca", "certificate", "key"})
      if (etcd.has(key)) etcd.place("endpoints").refuse("is missing", "where etcd's servers are");
    return;
  }
  Etcd& out = config.etcd.emplace();
  for (const auto& item : endpoints) out.endpoints.push_back(control_endpoint(item));
  if (const auto prefix = etcd.item("prefix", prefix_of_keys_text)) out.prefix = prefix_of_keys(*prefix);
  const auto ca = etcd.item("ca", "a PEM file"), certificate = etcd.item("certificate", "a PEM file"), key = etcd.item("key", "a PEM file");
  if (ca) out.ca = pem_file(*ca, config);
  if (certificate) out.certificate = pem_file(*certificate, config);
  if (key) out.key = pem_file(*key, config);
  if (certificate.has_value() != key.has_value()) etcd.place(certificate ? "key" : "certificate").refuse("is missing", "both or none");
  if (certificate && !ca) etcd.place("ca").refuse("is missing", "whose certificates etcd's servers have");
  if (!config.control_listen)
    etcd.place("endpoints").refuse("needs control.listen, where other nodes fetch what the log has forgotten", "none without control.listen");
}

void read_metrics(const Table& metrics, Config& config) {
  metrics.only({"listen"});
  if (const auto listen = metrics.item("listen", control_text)) config.metrics_listen = control_endpoint(*listen);
}

void read_assign(const Table& assign, Config& config) {
  assign.only({"policy", "file", "entries"});
  config.assign_policy = assign.choice<AssignPolicy>("policy", {{"slots", AssignPolicy::slots}, {"explicit", AssignPolicy::explicit_}}, AssignPolicy::slots);
  config.entries_expected = assign.number<std::size_t>("entries", {1024, 200'000'000}, 1'000'000);
  const auto file = assign.item("file", "a CSV file of aor,home[,pin]");
  if (!file) return;
  config.assignments_file = from_folder_of(config.file, file->text);
  std::error_code failure;
  if (!std::filesystem::is_regular_file(config.assignments_file, failure))
    file->refuse(config.assignments_file.string() + " is not a file that can be read", "a CSV file of aor,home[,pin]");
}

void read_store(const Table& store, Config& config) {
  store.only({"path", "size_max", "fsync"});
  const auto path = store.item("path", "a folder");
  config.store_path = path ? from_folder_of(config.file, path->text) : std::filesystem::path("/var/lib/viaduct") / config.node_name;
  config.store_bytes_max = store.number<std::uint64_t>("size_max", {1, 4096 * 1024}, 64 * 1024) << 20;
  config.store_fsync = store.choice<StoreFsync>("fsync", {{"full", StoreFsync::full}, {"deferred", StoreFsync::deferred}}, StoreFsync::full);
}

}  // namespace viaduct::config
