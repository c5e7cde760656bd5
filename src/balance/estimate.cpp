// SPDX-License-Identifier: Apache-2.0
// Classes of load, and Gamma-Poisson shrinkage.
#include "viaduct/balance/estimate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace viaduct::balance {
namespace {

constexpr double classes_per_octave = 8, lightest_log2 = -20;

std::array<double, 256> make_loads() {
  std::array<double, 256> out{};
  for (std::size_t c = 0; c < out.size(); ++c) out[c] = std::exp2(static_cast<double>(c) / classes_per_octave + lightest_log2);
  return out;
}

const std::array<double, 256> loads = make_loads();

}  // namespace

double load_of(LoadClass c) { return loads[c]; }

LoadClass class_of(double load) {
  if (!(load > 0)) return 0;
  const double at = std::round((std::log2(load) - lightest_log2) * classes_per_octave);
  return static_cast<LoadClass>(std::clamp(at, 0.0, 255.0));
}

double CountMoments::mean() const { return clients_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(clients_); }

double CountMoments::variance() const {
  if (clients_ == 0) return 0;
  return static_cast<double>(squares_) / static_cast<double>(clients_) - mean() * mean();
}

CountMoments operator+(const CountMoments& a, const CountMoments& b) {
  CountMoments out;
  out.clients_ = a.clients_ + b.clients_;
  out.sum_ = a.sum_ + b.sum_;
  out.squares_ = a.squares_ + b.squares_;
  return out;
}

// A counter with memory m stands at the sum of m^j n_j: mean r / (1 - m) and variance r / (1 - m^2) for r events a window. Times 1 + m it has the mean and
// the variance of a plain count over (1 + m) / (1 - m) windows, so as such a count it is taken.
Estimator::Estimator(const CountMoments& moments, const Sampling& sampling) : effective_events_(1 + sampling.memory) {
  const double mean = moments.mean() * effective_events_;
  const double variance = moments.variance() * effective_events_ * effective_events_;
  const double exposure_s = sampling.probability * sampling.window_s * (1 + sampling.memory) / (1 - sampling.memory);
  events_per_client_ = moments.mean();
  if (variance > mean) {
    const double rate = mean / (variance - mean);  // of the Gamma distribution, per event of exposure
    shape_ = mean * rate;
    load_per_event_ = 1 / ((1 + rate) * exposure_s);
  } else {  // nothing but chance between them: all alike
    effective_events_ = 0;
    shape_ = mean;
    load_per_event_ = 1 / exposure_s;
  }
}

}  // namespace viaduct::balance
