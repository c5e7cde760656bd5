// SPDX-License-Identifier: Apache-2.0
// Ten thousand small fleets at random: what every plan holds to, and what it costs beside the exact solution of a linear program.
#include <gtest/gtest.h>

#include <algorithm>

#include "cases.h"
#include "exact.h"

namespace viaduct::balance::test {
namespace {

constexpr std::uint64_t cases_count = 10'000;
constexpr double rounding = 1e-6;

template <typename Check>
void for_all_cases(Check check, std::uint64_t step = 1) {
  for (std::uint64_t seed = 0; seed < cases_count && !testing::Test::HasFailure(); seed += step) {
    SCOPED_TRACE(testing::Message() << "case " << seed);
    check(random_case(seed));
  }
}

/// The accounts' loads once the moves are made one by one.
std::vector<double> loads_after(const Case& c, const Accounts& a, const Plan& plan) {
  std::vector<double> out = a.loads;
  const auto move = [&](HomeIndex from, HomeIndex to, double load) {
    out[from] -= load * a.factor[from];
    out[to] += load * a.factor[from];
  };
  for (const Move& m : plan.clients) move(c.client_home[m.item], m.to, load_of(c.client_load[m.item]));
  for (const Move& m : plan.groups) move(c.groups[m.item].home, m.to, std::max(c.groups[m.item].load, load_of(0)));
  return out;
}

bool is_within(const Case& c, const std::vector<Range>& ranges, const std::vector<double>& loads) {
  for (std::size_t s = 0; s < loads.size(); ++s) {
    if (receives(c.homes[s]) && (loads[s] > ranges[s].most + rounding || loads[s] < ranges[s].least - rounding)) return false;
  }
  return true;
}

bool has_room(const Home& h) { return receives(h) && h.slow_start > 0; }

TEST(Property, MovesOnlyWhoMayToHomesThatReceive) {
  for_all_cases([](const Case& c) {
    const Plan plan = make_plan(c.request());
    std::vector<bool> has_moved(c.client_home.size());
    for (const Move& m : plan.clients) {
      ASSERT_FALSE(has_moved[m.item]);
      has_moved[m.item] = true;
      ASSERT_EQ(c.client_flags[m.item] & immovable_flag, 0) << "a pinned client moves";
      ASSERT_TRUE(m.to != c.client_home[m.item] && receives(c.homes[m.to]));
    }
    std::vector<bool> has_group_moved(c.groups.size());
    for (const Move& m : plan.groups) {
      ASSERT_FALSE(has_group_moved[m.item] || c.groups[m.item].is_immovable);
      has_group_moved[m.item] = true;
      ASSERT_TRUE(m.to != c.groups[m.item].home && receives(c.homes[m.to]));
    }
  });
}

TEST(Property, FillsNoHomeBeyondItsRoom) {
  for_all_cases([](const Case& c) {
    const Accounts a = accounts_of(c);
    const Plan plan = make_plan(c.request());
    const bool is_drain = plan.clients_leaving > 0;
    const auto loads = loads_after(c, a, plan);
    std::vector<bool> has_received(c.homes.size());
    for (const Flow& f : plan.flows) has_received[f.to] = true;
    for (std::size_t s = 0; s < loads.size(); ++s) {
      const Bounds& b = plan.homes[s].bounds;
      if (has_received[s]) {
        ASSERT_TRUE(has_room(c.homes[s]) || (is_drain && std::ranges::none_of(c.homes, has_room))) << "home " << s;
        ASSERT_LE(loads[s], (is_drain ? b.limit : b.filled) + rounding) << "home " << s;
      }
    }
  });
}

TEST(Property, TakesNoHomeBelowItsFloor) {
  for_all_cases([](const Case& c) {
    const Accounts a = accounts_of(c);
    const Plan plan = make_plan(c.request());
    const auto loads = loads_after(c, a, plan);
    for (std::size_t s = 0; s < loads.size(); ++s) {
      if (!receives(c.homes[s])) continue;
      ASSERT_GE(loads[s], std::min(a.loads[s], plan.homes[s].bounds.floor) - rounding) << "home " << s;
    }
  });
}

TEST(Property, SaysWhatItsMovesDo) {
  for_all_cases([](const Case& c) {
    const Plan plan = make_plan(c.request());
    const auto loads = loads_after(c, accounts_of(c), plan);
    std::vector<double> clients(c.homes.size());
    std::uint64_t moved = plan.clients.size();
    double cost = 0;
    for (const HomeIndex s : c.client_home) ++clients[s];
    for (const Group& g : c.groups) clients[g.home] += g.clients;
    for (const Move& m : plan.clients) {
      --clients[c.client_home[m.item]], ++clients[m.to];
      cost += (c.client_flags[m.item] & watched_flag) != 0 ? c.limits.watched_cost : 1;
    }
    for (const Move& m : plan.groups) {
      const Group& g = c.groups[m.item];
      clients[g.home] -= g.clients, clients[m.to] += g.clients;
      moved += g.clients;
      cost += std::max(1u, g.clients);
    }
    ASSERT_EQ(plan.clients_moved, moved);
    ASSERT_NEAR(plan.cost, cost, rounding);
    for (std::size_t s = 0; s < loads.size(); ++s) {
      ASSERT_NEAR(plan.homes[s].load_after, loads[s], rounding) << "home " << s;
      ASSERT_EQ(static_cast<double>(plan.homes[s].clients_after), clients[s]) << "home " << s;
    }
  });
}

TEST(Property, EmptiesHomesThatAreLeft) {
  for_all_cases([](Case c) {
    for (Home& h : c.homes) h.capacity = 0;
    if (std::ranges::none_of(c.homes, receives)) return;
    const Plan plan = make_plan(c.request());
    std::vector<HomeIndex> home = c.client_home;
    for (const Move& m : plan.clients) home[m.item] = m.to;
    for (std::size_t i = 0; i < home.size(); ++i) {
      ASSERT_TRUE(!is_left(c.homes[home[i]]) || (c.client_flags[i] & immovable_flag) != 0) << "client " << i << " is left behind";
    }
  });
}

TEST(Property, KeepsToItsBudget) {
  for_all_cases([](Case c) {
    c.limits.moves_ratio_max = 0.03;
    const Plan plan = make_plan(c.request());
    double clients = static_cast<double>(c.client_home.size());
    for (const Group& g : c.groups) clients += g.clients;
    ASSERT_LE(static_cast<double>(plan.clients_moved - plan.clients_leaving), 0.03 * clients);
  });
}

TEST(Property, SameInputSamePlan) {
  for_all_cases(
      [](const Case& c) {
        const Plan a = make_plan(c.request(3)), b = make_plan(c.request(3)), other = make_plan(c.request(4));
        ASSERT_TRUE(a.clients == b.clients && a.groups == b.groups && a.cost == b.cost);
        ASSERT_EQ(a.cost, other.cost) << "a seed chooses among clients alike";
        ASSERT_EQ(a.flows.size(), other.flows.size());
      },
      5);
}

/// Each home may end one item beyond what it must give, or must get: what cannot be divided.
TEST(Property, CostsLittleMoreThanTheExactSolution) {
  std::size_t compared = 0, solvable = 0;
  double cost = 0, least = 0;
  for_all_cases([&](Case c) {
    c.limits.moves_ratio_max = 1;
    const auto exact = least_cost(c);
    if (!exact) return;
    ++solvable;
    const Plan plan = make_plan(c.request());
    ASSERT_LE(plan.lower_bound.both, *exact + rounding) << "a lower bound above the exact solution";
    ASSERT_GE(plan.lower_bound.both + rounding, std::max(plan.lower_bound.out, plan.lower_bound.in));
    ASSERT_GE(plan.score, 1 - rounding);
    const Accounts a = accounts_of(c);
    if (!is_within(c, ranges_of(c, a), loads_after(c, a, plan))) return;
    ++compared;
    cost += plan.cost, least += *exact;
    double dearest = 0;
    for (const Lot& lot : a.lots) dearest = std::max(dearest, lot.is_movable ? lot.cost : 0);
    ASSERT_LE(plan.cost, *exact + 2 * static_cast<double>(c.homes.size()) * dearest);
  });
  EXPECT_GT(solvable, cases_count / 2);
  EXPECT_GT(compared, solvable * 9 / 10) << "of " << solvable << ": homes left out of bounds where a way exists, for divisible clients at least";
  EXPECT_LT(cost, 1.1 * least);
}

}  // namespace
}  // namespace viaduct::balance::test
