// SPDX-License-Identifier: Apache-2.0
// Classes of load, and what shrinking counts is good for: plans made of shrunk estimates beat those made of counts as they are.
#include "viaduct/balance/estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cases.h"

namespace viaduct::balance::test {
namespace {

TEST(Estimate, AClassIsWithinASixteenthOfAnOctave) {
  for (double load = 1e-6; load < 3000; load *= 1.01) EXPECT_NEAR(std::log2(load_of(class_of(load)) / load), 0, 1.0 / 16 + 1e-9) << load;
  for (int c = 0; c < 256; ++c) EXPECT_EQ(class_of(load_of(static_cast<LoadClass>(c))), c);
}

TEST(Estimate, WhatIsOffTheScaleIsAtItsEnd) {
  EXPECT_EQ(class_of(0), 0);
  EXPECT_EQ(class_of(-1), 0);
  EXPECT_EQ(class_of(1e-30), 0);
  EXPECT_EQ(class_of(1e30), 255);
}

CountMoments moments_of(const std::vector<std::uint16_t>& counts) {
  CountMoments out;
  for (const auto count : counts) out.add(count);
  return out;
}

TEST(Estimate, TakesClientsForAlikeWhenChanceExplainsTheirCounts) {
  const Estimator e(moments_of({3, 4, 3, 4}), {.probability = 0.5, .window_s = 100});
  EXPECT_DOUBLE_EQ(e.load(0), 3.5 / 50);
  EXPECT_DOUBLE_EQ(e.load(9), 3.5 / 50);
  EXPECT_DOUBLE_EQ(e.events_per_client(), 3.5);
}

TEST(Estimate, OfNobodyIsNothing) {
  const Estimator e({}, {});
  EXPECT_EQ(e.load(0), 0);
  EXPECT_EQ(e.events_per_client(), 0);
}

TEST(Estimate, ShrinksTowardsTheMeanAndKeepsIt) {
  std::mt19937_64 random(1);
  std::vector<std::uint16_t> counts;
  std::gamma_distribution rate(0.5, 4.0);
  for (int i = 0; i < 100'000; ++i) counts.push_back(static_cast<std::uint16_t>(std::poisson_distribution<>(rate(random))(random)));
  const CountMoments moments = moments_of(counts);
  const Estimator e(moments, {.probability = 1, .window_s = 1});
  EXPECT_GT(e.load(0), 0);
  EXPECT_LT(e.load(40), 40);
  EXPECT_NEAR(e.load(10), (10 + 0.5) / (1 + 0.25), 0.3) << "the posterior mean under the distribution they came from";
  double sum = 0;
  for (const auto count : counts) sum += e.load(count);
  EXPECT_NEAR(sum / 100'000, moments.mean(), 1e-6);
}

/// A counter that forgets stands for more events than it shows, and is as unsure as a plain count of so many.
TEST(Estimate, KnowsWhatACounterWithMemoryStandsFor) {
  std::mt19937_64 random(2);
  constexpr double memory = 0.9, window_s = 300;
  std::gamma_distribution rate(1.0, 2.0);  // events a window
  CountMoments moments;
  std::vector<std::pair<double, std::uint16_t>> clients;
  for (int i = 0; i < 50'000; ++i) {
    const double r = rate(random);
    std::poisson_distribution<> events(std::max(r, 1e-9));
    double counter = 0;
    for (int window = 0; window < 60; ++window) counter = counter * memory + events(random);
    clients.emplace_back(r / window_s, static_cast<std::uint16_t>(std::lround(counter)));
    moments.add(clients.back().second);
  }
  const Estimator e(moments, {.window_s = window_s, .memory = memory});
  double error = 0, raw_error = 0, sum = 0, true_sum = 0;
  for (const auto& [load, counter] : clients) {
    error += std::pow(e.load(counter) - load, 2);
    raw_error += std::pow(counter * (1 - memory) / window_s - load, 2);
    sum += e.load(counter), true_sum += load;
  }
  EXPECT_NEAR(sum / true_sum, 1, 0.01);
  EXPECT_LT(error, raw_error);
}

/// A fleet whose clients' true rates only their counts tell of.
class Shrinkage : public testing::TestWithParam<double> {
 protected:
  static constexpr std::size_t homes = 100, clients = 1'000'000;

  Shrinkage() {
    std::mt19937_64 random(7);
    std::lognormal_distribution rate(0.0, 1.0);
    std::vector<double> skew(homes);
    for (double& s : skew) s = std::uniform_real_distribution(0.5, 1.5)(random);
    std::discrete_distribution<HomeIndex> home(skew.begin(), skew.end());
    const double mean = GetParam() / std::exp(0.5);
    for (std::size_t i = 0; i < clients; ++i) {
      loads_.push_back(mean * rate(random));
      counts_.push_back(static_cast<std::uint16_t>(std::poisson_distribution<>(loads_.back())(random)));
      case_.client_home.push_back(home(random));
    }
    case_.homes.resize(homes);
    case_.client_flags.resize(clients);
    case_.client_load.resize(clients);
    case_.limits.moves_ratio_max = 1;
  }

  /// What max/mean truly is when a plan is made of these loads.
  template <typename LoadOf>
  double planned_with(LoadOf load_of_client) {
    std::vector<double> bears(homes);
    for (std::size_t i = 0; i < clients; ++i) {
      case_.client_load[i] = class_of(load_of_client(i));
      bears[case_.client_home[i]] += loads_[i];
    }
    for (std::size_t s = 0; s < homes; ++s) case_.homes[s].load = bears[s];
    for (const Move& m : make_plan(case_.request()).clients) {
      bears[case_.client_home[m.item]] -= loads_[m.item];
      bears[m.to] += loads_[m.item];
    }
    for (std::size_t s = 0; s < homes; ++s) case_.homes[s].load = bears[s];
    return max_over_mean(case_.homes, case_.limits);
  }

  Case case_;
  std::vector<double> loads_;
  std::vector<std::uint16_t> counts_;
};

TEST_P(Shrinkage, BeatsCountsAsTheyAre) {
  const Estimator e(moments_of(counts_), {.window_s = 1});
  const double oracle = planned_with([&](std::size_t i) { return loads_[i]; });
  const double shrunk = planned_with([&](std::size_t i) { return e.load(counts_[i]); });
  const double raw = planned_with([&](std::size_t i) { return counts_[i]; });
  RecordProperty("raw_shrunk_oracle", testing::PrintToString(std::vector{raw, shrunk, oracle}));
  EXPECT_LT(oracle, 1.055);
  EXPECT_LT(oracle, shrunk);
  EXPECT_LT(shrunk, 1.05 + (raw - 1.05) / 2) << "half of what raw counts miss by; raw " << raw << ", shrunk " << shrunk;
  EXPECT_LT(shrunk, 1.075);
}
INSTANTIATE_TEST_SUITE_P(EventsPerClient, Shrinkage, testing::Values(1.6, 6.6, 26.0));

}  // namespace
}  // namespace viaduct::balance::test
