// SPDX-License-Identifier: Apache-2.0
#include "peer_answers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <stdexcept>

#include "viaduct/base/limits.h"

namespace viaduct::control {
namespace {

using nlohmann::json;

/// A whole number that an N holds.
template <typename N>
N whole(const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<N>::max())
    throw std::out_of_range(value.dump().substr(0, 40) + " is no number for its place");
  return value.get<N>();
}

std::optional<base::Hash128> mark_of(const json& value) {
  if (value.is_null()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  constexpr std::size_t digits = 2 * sizeof(std::uint64_t);
  if (text.size() != 2 * digits) throw std::out_of_range("a fleet's mark that is none");
  base::Hash128 mark;
  const char* const middle = text.data() + digits;
  const char* const end = middle + digits;
  if (std::from_chars(text.data(), middle, mark.high, 16).ptr != middle || std::from_chars(middle, end, mark.low, 16).ptr != end)
    throw std::out_of_range("a fleet's mark that is none");
  return mark;
}

PeerPlacements::Placed placed(const json& row, const base::Key128& seed) {
  PeerPlacements::Placed out;
  out.aor = row.at(0).get<std::string>();
  std::array<char, base::aor_bytes_max> room;
  // Which domains are served is not looked at: a fleet's nodes are told of a new one in turn.
  const auto canonical = sip::canonical_aor("sip:" + out.aor, {}, room);
  if (!canonical || *canonical != out.aor || !out.aor.contains('@')) throw std::out_of_range("no client: " + row.at(0).dump().substr(0, 200));
  out.record = {.client = store::identity(sip::client_key(out.aor, seed)),
                .epoch = whole<std::uint32_t>(row.at(3)),
                .home = whole<assign::HomeIndex>(row.at(1)),
                .pin = row.at(2).get<bool>()};
  return out;
}

/// A rate or a weight: neither below zero nor beyond what there can be.
double amount(const json& value) {
  const double out = value.get<double>();
  if (!(out >= 0 && out < 1e12)) throw std::out_of_range(value.dump().substr(0, 40) + " is no number for its place");
  return out;
}

bool is_before(const base::Hash128& a, const base::Hash128& b) { return a.high != b.high ? a.high < b.high : a.low < b.low; }

}  // namespace

bool add_assignment(const json& answer, PeerAssignment& out) {
  const std::size_t homes_count = whole<assign::HomeIndex>(answer.at("homes_count"));
  if (out.homes.empty()) {
    out.epoch = whole<std::uint32_t>(answer.at("epoch"));
    out.fleet = mark_of(answer.at("fleet"));
    out.clients = whole<std::uint64_t>(answer.at("clients"));
    out.slots.clear();
    for (const json& slot : answer.at("slots")) out.slots.push_back(whole<assign::HomeIndex>(slot));
    if (!out.slots.empty() && out.slots.size() != base::slots_count) throw std::out_of_range("slots: there are others");
    if (std::ranges::any_of(out.slots, [&](assign::HomeIndex slot) { return slot != assign::no_home && slot >= homes_count; }))
      throw std::out_of_range("a slot's home is none");
  }
  const std::size_t before = out.homes.size();
  for (const json& home : answer.at("homes")) out.homes.push_back(home.get<std::string>());
  if (out.homes.size() > homes_count || (out.homes.size() == before && before < homes_count))
    throw std::out_of_range("homes: there are more or fewer than it says");
  return out.homes.size() == homes_count;
}

SeenElsewhere load_in(const json& answer) {
  SeenElsewhere out{.seconds = amount(answer.at("seconds")), .homes = {}, .clients = {}};
  for (const json& row : answer.at("homes")) {
    HomeLoad h;
    h.load_per_s = amount(row.at("load_per_s"));
    h.load_error_per_s = amount(row.at("load_error_per_s"));
    h.messages_per_s = amount(row.at("messages_per_s"));
    h.registers_per_s = amount(row.at("registers_per_s"));
    h.shed_per_s = amount(row.at("shed_per_s"));
    h.shed_asked_per_s = amount(row.at("shed_asked_per_s"));
    for (std::size_t c = 0; c < h.responses_per_s.size(); ++c) h.responses_per_s[c] = amount(row.at("responses_per_s").at(c));
    out.homes.push_back(std::move(h));
  }
  for (const json& row : answer.at("clients")) {
    ClientLoad c;
    c.aor = row.at(0).get<std::string>();
    c.events = static_cast<float>(amount(row.at(1)));
    c.weight = static_cast<float>(amount(row.at(2)));
    c.own_weight = static_cast<float>(amount(row.at(3)));
    c.scale = static_cast<float>(amount(row.at(4)));
    out.clients.push_back(std::move(c));
  }
  return out;
}

PeerPlacements placements_in(const json& answer, const BlocksAsked& asked) {
  PeerPlacements out{
      .epoch = whole<std::uint32_t>(answer.at("epoch")), .fleet = mark_of(answer.at("fleet")), .next = whole<std::uint32_t>(answer.at("next")), .clients = {}};
  if (out.next <= asked.first || out.next > asked.end) throw std::out_of_range("next: not behind the blocks that were asked for");
  for (const json& row : answer.at("clients")) {
    out.clients.push_back(placed(row, asked.fleet_seed));
    const base::Hash128& client = out.clients.back().record.client;
    const bool is_behind = out.clients.size() == 1 || is_before(out.clients.rbegin()[1].record.client, client);
    if (!is_behind || store::block_of(client) < asked.first || store::block_of(client) >= out.next)
      throw std::out_of_range("a client in a wrong place: is fleet.seed the same there? " + out.clients.back().aor);
  }
  return out;
}

}  // namespace viaduct::control
