// SPDX-License-Identifier: Apache-2.0
#include "herald.h"

#include <utility>

namespace viaduct::migration {
namespace {

/// Homes that are told at the same time. A call takes a home's disk some milliseconds, and one to a dead home two seconds.
constexpr std::size_t threads_count = 8;

}  // namespace

Herald::Herald(TellWatchers tell, std::function<void()> returned) : tell_(std::move(tell)), returned_(std::move(returned)) {
  for (std::size_t i = 0; i < threads_count; ++i) threads_.emplace_back([this] { run(); });
}

Herald::~Herald() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Herald::send(Errand errand) {
  const std::lock_guard lock(mutex_);
  const assign::HomeIndex home = errand.home;
  const auto [queue, is_idle] = waiting_.try_emplace(home);
  queue->second.push_back(std::move(errand));
  if (!is_idle) return;
  ready_.push_back(home);
  wake_.notify_one();
}

std::vector<Errand> Herald::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

void Herald::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const assign::HomeIndex home = ready_.front();
    ready_.pop_front();
    Errand errand = std::move(waiting_[home].front());
    waiting_[home].pop_front();
    lock.unlock();
    std::vector<const Step*> steps;
    for (const Step& step : errand.steps) steps.push_back(&step);
    errand.told = tell_(home, errand.tidings, steps);
    lock.lock();
    auto& waiting = waiting_[home];
    if (!errand.told)
      for (Errand& other : std::exchange(waiting, {})) {
        other.told = errand.told;
        done_.push_back(std::move(other));
      }
    done_.push_back(std::move(errand));
    if (waiting.empty())
      waiting_.erase(home);
    else
      ready_.push_back(home);
    lock.unlock();
    returned_();
    lock.lock();
  }
}

}  // namespace viaduct::migration
