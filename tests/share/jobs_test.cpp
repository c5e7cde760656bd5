// SPDX-License-Identifier: Apache-2.0
// Jobs done by a core for others, who wait; what a job throws is its caller's.
#include "viaduct/share/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace viaduct::share {
namespace {

/// A core that does nothing but jobs.
class Core {
 public:
  explicit Core(Jobs& jobs) : jobs_(jobs) {
    jobs_.open();
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) jobs_.do_one();
      jobs_.close();
    });
  }
  [[nodiscard]] std::thread::id id() const { return thread_.get_id(); }

 private:
  Jobs& jobs_;
  std::jthread thread_;
};

TEST(Jobs, AreDoneOnTheCoreWhileItRunsAndByTheCallerOtherwise) {
  Jobs jobs;
  std::thread::id done_by;
  const auto note = [&] { done_by = std::this_thread::get_id(); };
  jobs.call(note);
  EXPECT_EQ(done_by, std::this_thread::get_id());
  {
    const Core core(jobs);
    jobs.call(note);
    EXPECT_EQ(done_by, core.id());
  }
  jobs.call(note);
  EXPECT_EQ(done_by, std::this_thread::get_id());
}

TEST(Jobs, OnesOfTheEndAreDoneOneAtATimeToo) {
  Jobs jobs;
  jobs.open();
  std::atomic<bool> is_at_it{}, were_two{};
  const auto alone = [&] {
    if (is_at_it.exchange(true)) were_two = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    is_at_it = false;
  };
  const std::jthread waiting([&] { jobs.call(alone); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const std::jthread late([&] {
    while (!is_at_it) std::this_thread::yield();
    jobs.call(alone);
  });
  jobs.close();
  jobs.call(alone);
  EXPECT_FALSE(were_two);
}

TEST(Jobs, WhatAJobThrowsReachesItsCallerAndTheCoreGoesOn) {
  Jobs jobs;
  const auto fail = [] { throw std::invalid_argument("a wrong question"); };
  EXPECT_THROW(jobs.call(fail), std::invalid_argument) << "by the caller itself";
  const Core core(jobs);
  EXPECT_THROW(jobs.call(fail), std::invalid_argument);
  bool is_done = false;
  jobs.call([&] { is_done = true; });
  EXPECT_TRUE(is_done);
}

}  // namespace
}  // namespace viaduct::share
