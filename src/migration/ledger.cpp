// SPDX-License-Identifier: Apache-2.0
// Rows: a plan is JSON, so that a later build may add to it; a step is octets, for there may be millions.
#include "ledger.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

namespace viaduct::migration {

// What a later build does not find keeps its default.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Forecast, home, before, after, capacity, clients_in, clients_out)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Plan, id, state, mode, author, reason, trouble, created_s, ended_s, clients_per_s, homes, imbalance_before,
                                                imbalance_after, load_moved, cost, lower_bound, clients, slots, moved, confirmed, unconfirmed, sticky,
                                                overtaken, told)

namespace {

using nlohmann::json;

// Keys of rows that are no client's: a client's key has these high words with a chance of 2^-64.
constexpr std::uint64_t plan_rows = ~std::uint64_t{0};
constexpr std::uint64_t slot_rows = plan_rows - 1;
constexpr std::uint64_t fleet_rows = plan_rows - 2;
constexpr std::uint64_t owed_rows = plan_rows - 3;

constexpr base::Hash128 joining_key{.low = 0, .high = fleet_rows};
constexpr base::Hash128 store_key{.low = 1, .high = fleet_rows};
constexpr base::Hash128 next_plan_key{.low = 2, .high = fleet_rows};
constexpr base::Hash128 clock_key{.low = 3, .high = fleet_rows};
constexpr std::uint16_t format = 3;  // of a step; another build's is not read

constexpr std::uint8_t slot_flag = 1, confirmed_flag = 2;

base::Hash128 row_key(const Step& step) {
  if (step.state == StepState::settled) return {.low = step.owed, .high = owed_rows};
  return step.is_slot ? base::Hash128{.low = step.key.high, .high = slot_rows} : step.key;
}

/// What a row begins with; the canonical AoR follows.
struct Head {
  sip::ClientKey client;  // the row's key may be another
  std::uint64_t set_out_s, deadline_s;
  std::uint32_t clients;
  assign::HomeIndex from, to;
  StepState state;
  std::uint8_t flags;
  std::uint16_t format;
  std::uint32_t plan;
  std::uint64_t both_until_s, rests_until_s;
};
static_assert(sizeof(Head) == 64, "no octet of a row is left to chance");

std::string octets_of(const Step& step) {
  const Head head{.client = step.key,
                  .set_out_s = step.set_out_s,
                  .deadline_s = step.deadline_s,
                  .clients = step.clients,
                  .from = step.from,
                  .to = step.to,
                  .state = step.state,
                  .flags = static_cast<std::uint8_t>((step.is_slot ? slot_flag : 0) | (step.is_confirmed ? confirmed_flag : 0)),
                  .format = format,
                  .plan = step.plan,
                  .both_until_s = step.both_until_s,
                  .rests_until_s = step.rests_until_s};
  std::string octets(sizeof head, '\0');
  std::memcpy(octets.data(), &head, sizeof head);
  return octets + step.aor;
}

std::optional<Step> step_from(const base::Hash128& key, std::string_view octets) {
  Head head;
  if (octets.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, octets.data(), sizeof head);
  if (head.format != format || head.state > StepState::resting) return std::nullopt;
  return Step{.key = head.client,
              .aor = std::string(octets.substr(sizeof head)),
              .clients = head.clients,
              .from = head.from,
              .to = head.to,
              .state = head.state,
              .is_slot = (head.flags & slot_flag) != 0,
              .is_confirmed = (head.flags & confirmed_flag) != 0,
              .plan = head.plan,
              .owed = head.state == StepState::settled ? key.low : 0,
              .set_out_s = head.set_out_s,
              .deadline_s = head.deadline_s,
              .both_until_s = head.both_until_s,
              .rests_until_s = head.rests_until_s};
}

std::optional<Plan> plan_from(std::string_view octets) {
  const json read = json::parse(octets, nullptr, false);
  if (!read.is_object()) return std::nullopt;
  try {
    auto plan = read.get<Plan>();
    return plan.state <= PlanState::aborted && plan.mode <= MoveMode::evacuate ? std::optional(std::move(plan)) : std::nullopt;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::optional<std::set<std::string>> names_from(std::string_view octets) {
  const json read = json::parse(octets, nullptr, false);
  if (!read.is_array() || !std::ranges::all_of(read, [](const json& name) { return name.is_string(); })) return std::nullopt;
  return read.get<std::set<std::string>>();
}

/// A row that is one value as it stands in memory.
template <typename T>
std::optional<T> value_from(std::string_view octets) {
  T value;
  if (octets.size() != sizeof value) return std::nullopt;
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}
template <typename T>
store::Row row_of(const base::Hash128& key, const T& value) {
  return {key, {reinterpret_cast<const char*>(&value), sizeof value}};
}

/// In the order of their keys, with room for `more`.
std::vector<store::Row> rows_of(std::span<const Step* const> changed, std::span<const Step* const> over, std::size_t more) {
  std::vector<store::Row> rows;
  rows.reserve(changed.size() + over.size() + more);
  for (const Step* step : changed) rows.push_back({row_key(*step), octets_of(*step)});
  for (const Step* step : over) rows.push_back({row_key(*step), {}});
  std::ranges::sort(rows, [](const store::Row& a, const store::Row& b) { return std::memcmp(&a.key, &b.key, sizeof a.key) < 0; });
  return rows;
}

Expected<void> told(const store::Result<void>& result) { return result ? Expected<void>{} : std::unexpected(result.error().text); }

}  // namespace

Expected<Ledger::Contents> Ledger::read() const {
  Contents out;
  const auto broken = rows_->each([&](const base::Hash128& key, std::string_view octets) {
    if (key.high == plan_rows) {
      if (auto plan = plan_from(octets)) return out.plans.push_back(std::move(*plan));
    } else if (key == joining_key) {
      if (auto names = names_from(octets)) return void(out.joining = std::move(*names));
    } else if (key == store_key) {
      if (out.store = value_from<base::Hash128>(octets); out.store) return;
    } else if (key == next_plan_key) {
      if (const auto next = value_from<std::uint32_t>(octets)) return void(out.next_plan = *next);
    } else if (key == clock_key) {
      if (const auto ahead = value_from<std::int64_t>(octets)) return void(out.ahead_s = *ahead);
    } else if (auto step = step_from(key, octets)) {
      return out.steps.push_back(std::move(*step));
    }
    ++out.unread;
  });
  if (!broken) return std::unexpected(broken.error().text);
  out.unread += *broken;
  std::ranges::sort(out.plans, {}, &Plan::id);
  return out;
}

Expected<void> Ledger::write(std::span<const Plan> plans_now, std::span<const Step* const> changed, std::span<const Step* const> over) {
  std::vector<store::Row> rows = rows_of(changed, over, plans_now.size());
  for (const Plan& plan : plans_now) rows.push_back({{.low = plan.id, .high = plan_rows}, json(plan).dump()});
  return told(rows_->write(rows));
}

Expected<void> Ledger::forget(std::span<const std::uint32_t> ids) {
  std::vector<store::Row> rows;
  for (const std::uint32_t id : ids) rows.push_back({{.low = id, .high = plan_rows}, {}});
  return told(rows_->write(rows));
}

Expected<void> Ledger::forget_all() {
  std::vector<store::Row> rows;
  const auto broken = rows_->each([&](const base::Hash128& key, std::string_view) {
    if (key != store_key) rows.push_back({key, {}});
  });
  return broken ? told(rows_->write(rows)) : std::unexpected(broken.error().text);
}

Expected<void> Ledger::write_store(const base::Hash128& store) {
  const store::Row row = row_of(store_key, store);
  return told(rows_->write({&row, 1}));
}

Expected<void> Ledger::write_next_plan(std::uint32_t id) {
  const store::Row row = row_of(next_plan_key, id);
  return told(rows_->write({&row, 1}));
}

Expected<void> Ledger::write_clock(std::int64_t ahead_s, std::span<const Step* const> changed) {
  std::vector<store::Row> rows = rows_of(changed, {}, 1);
  rows.push_back(row_of(clock_key, ahead_s));
  return told(rows_->write(rows));
}

Expected<void> Ledger::write_joining(const std::set<std::string>& homes) {
  const store::Row row{joining_key, homes.empty() ? std::string() : json(homes).dump()};
  return told(rows_->write({&row, 1}));
}

}  // namespace viaduct::migration
