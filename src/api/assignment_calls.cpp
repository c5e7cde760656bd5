// SPDX-License-Identifier: Apache-2.0
// The whole assignment for a node that has none, or one too old: what the store says, each answer from a view of its own, so that nothing is held between two.
#include "answers.h"
#include "arguments.h"
#include "viaduct/base/limits.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

/// Of homes' descriptions in an answer; slots take another 0.8 MiB at the most, of base::node_call_bytes_max in all.
constexpr std::size_t homes_bytes_max = std::size_t{2} << 20;
/// Of clients in an answer after which no further block is begun: the largest one adds 2.7 MiB.
constexpr std::size_t clients_bytes_enough = std::size_t{1} << 20;
/// Of a client beside his AoR.
constexpr std::size_t row_bytes = 32;

json hex_or_null(const std::optional<base::Hash128>& mark) { return mark ? json(hex(*mark)) : json(); }

/// As many descriptions as fit.
json homes_from(std::uint32_t first, const std::vector<std::string>& homes) {
  json out = json::array();
  std::size_t bytes = 0;
  for (std::size_t i = first; i < homes.size() && bytes < homes_bytes_max; ++i) {
    bytes += 2 * homes[i].size() + 3;  // were every octet one to escape, and what stands around it
    out.push_back(homes[i]);
  }
  return out;
}

}  // namespace

NodeAnswer assignment_call(const store::Store& store, const json& request) {
  const auto first_home = whole_number(request, "first_home", {0, base::homes_max}).value_or(0);
  const auto snapshot = store.snapshot();
  if (!snapshot) return refused(503, snapshot.error().text);
  const store::Snapshot& now = **snapshot;
  const auto fleet = now.fleet();
  if (!fleet) return refused(503, fleet.error().text);
  const auto homes = now.homes();
  if (!homes) return refused(503, homes.error().text);
  const auto slots = now.slots();
  if (!slots) return refused(503, slots.error().text);
  return {.body = {{"ok", true},
                   {"epoch", now.epoch()},
                   {"fleet", hex_or_null(*fleet)},
                   {"clients", now.clients()},
                   {"homes_count", homes->size()},
                   {"homes", homes_from(first_home, *homes)},
                   {"slots", *slots}}};
}

NodeAnswer placements_call(const store::Store& store, const json& request) {
  constexpr Range<std::uint32_t> blocks{0, std::uint32_t{1} << store::block_bits};
  const auto first = whole_number(request, "first", blocks);
  const auto end = whole_number(request, "end", blocks);
  if (!first || !end || *first >= *end) return refused(400, "first and end: blocks, the first below the end");
  const auto snapshot = store.snapshot();
  if (!snapshot) return refused(503, snapshot.error().text);
  const auto fleet = (*snapshot)->fleet();
  if (!fleet) return refused(503, fleet.error().text);
  json clients = json::array();
  std::size_t bytes = 0;
  std::uint32_t block = *first;
  std::uint32_t next = *end;
  const auto read = (*snapshot)->clients(*first, *end, [&](const store::Record& r, std::string_view aor) {
    if (store::block_of(r.client) != block && bytes >= clients_bytes_enough) {
      next = store::block_of(r.client);
      return false;
    }
    block = store::block_of(r.client);
    bytes += aor.size() + row_bytes;
    clients.push_back(json::array({aor, r.home, r.pin, r.epoch}));
    return true;
  });
  if (!read) return refused(503, read.error().text);
  return {.body = {{"ok", true}, {"epoch", (*snapshot)->epoch()}, {"fleet", hex_or_null(*fleet)}, {"next", next}, {"clients", std::move(clients)}}};
}

}  // namespace viaduct::api
