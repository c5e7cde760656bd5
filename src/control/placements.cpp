// SPDX-License-Identifier: Apache-2.0
// From AoRs and home names to changes of the assignment.
#include "viaduct/control/placements.h"

#include <array>

namespace viaduct::control {

std::expected<Client, std::string> client_named(std::string_view text, const site::Site& site) {
  std::string uri(text);
  if (uri.find(':') == std::string::npos || uri.find('@') < uri.find(':')) uri = "sip:" + uri;
  std::array<char, base::aor_bytes_max> room;
  const auto canonical = sip::canonical_aor(uri, site.domains, room);
  if (!canonical) return std::unexpected(std::string(text) + ": " + std::string(sip::phrase(canonical.error())));
  const std::size_t at = canonical->rfind('@');
  if (at == std::string_view::npos || !sip::serves(site.domains, canonical->substr(at + 1)))
    return std::unexpected(std::string(text) + ": its domain is not served here");
  return Client{.aor = std::string(*canonical), .key = sip::client_key(*canonical, site.fleet_seed)};
}

std::expected<std::vector<assign::Change>, std::string> Placements::changes_from(const config::Config& config, const site::Site& site) {
  std::vector<assign::Change> changes;
  if (config.assignments_file.empty()) return changes;
  const auto rows = config::load_assignments(config.assignments_file);
  if (!rows) return std::unexpected(rows.error().text);
  changes.reserve(rows->size());
  for (const config::AssignmentRow& row : *rows) {
    const auto where = [&] { return config.assignments_file.string() + ":" + std::to_string(row.line) + ": "; };
    const auto client = client_named(row.aor, site);
    if (!client) return std::unexpected(where() + client.error());
    const assign::HomeIndex home = site.homes.find(row.home);
    if (home == assign::no_home) return std::unexpected(where() + row.home + ": no such home");
    changes.push_back({.key = client->key, .home = home, .pin = row.pin});
  }
  return changes;
}

std::size_t Placements::apply_file(const std::vector<assign::Change>& changes) {
  std::vector<assign::Change> batch = changes;
  std::unordered_set<sip::ClientKey, KeyHash> now;
  now.reserve(changes.size());
  for (const assign::Change& c : changes) now.insert(c.key);
  for (const sip::ClientKey& key : from_file_)
    if (!now.contains(key)) batch.push_back({.key = key});
  from_file_ = std::move(now);
  if (!batch.empty()) commons_.assignment.apply(batch, commons_.epoch);
  return batch.size();
}

std::expected<Client, std::string> Placements::assign(std::string_view aor, std::string_view home_name, bool pin) {
  const site::Site& site = commons_.site.read();
  auto client = client_named(aor, site);
  if (!client) return client;
  const assign::HomeIndex home = site.homes.find(home_name);
  if (home == assign::no_home || site.homes[home].state == assign::HomeState::removed) return std::unexpected(std::string(home_name) + ": no such home");
  const assign::Change change{.key = client->key, .home = home, .pin = pin};
  commons_.assignment.apply({&change, 1}, commons_.epoch);
  return client;
}

std::expected<Client, std::string> Placements::unassign(std::string_view aor) {
  auto client = client_named(aor, commons_.site.read());
  if (!client) return client;
  const assign::Change change{.key = client->key};
  commons_.assignment.apply({&change, 1}, commons_.epoch);
  return client;
}

}  // namespace viaduct::control
