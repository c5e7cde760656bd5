// SPDX-License-Identifier: Apache-2.0
#include "attendant.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string_view>
#include <utility>

namespace viaduct::control {

Attendant::Attendant(Fleet& fleet) : fleet_(fleet) {
  thread_ = std::thread([this] { run(); });
}

Attendant::~Attendant() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Attendant::take_down(assign::HomeIndex home, const std::string& name, std::string why) {
  order(home, {.name = name, .why = std::move(why), .is_down = true});
}

void Attendant::give_back(assign::HomeIndex home, const std::string& name, std::string why) {
  order(home, {.name = name, .why = std::move(why), .is_down = false});
}

void Attendant::order(assign::HomeIndex home, Order&& order) {
  const std::lock_guard lock(mutex_);
  if (orders_.try_emplace(home, std::move(order)).second) wake_.notify_one();
}

void Attendant::let_return(std::vector<Returned> returned) {
  const std::lock_guard lock(mutex_);
  returned_ = std::move(returned);
  wake_.notify_one();
}

void Attendant::warn(std::string text) {
  const std::lock_guard lock(mutex_);
  warnings_.push_back(std::move(text));
  wake_.notify_one();
}

void Attendant::run() {
  constexpr auto offered_every = std::chrono::seconds(1);   // what the store has refused: a full disk is not filled by asking
  const auto is_wanted = [this] { return has_work(); };
  std::unique_lock lock(mutex_);
  for (wake_.wait_for(lock, offered_every, is_wanted); !is_over_; wake_.wait_for(lock, offered_every, is_wanted)) {
    const auto warnings = std::exchange(warnings_, {});
    const auto returned = std::exchange(returned_, {});
    const auto orders = orders_;
    lock.unlock();
    for (const std::string& text : warnings) spdlog::warn("{}", text);
    if (!returned.empty())
      if (const auto done = fleet_.let_return(returned); !done) spdlog::error("health: {}", done.error());
    for (const auto& [home, order] : orders) carry_out(order);
    for (const std::string& name : fleet_.write_owed()) spdlog::info("home {}: what state it has is kept for a restart again", name);
    lock.lock();
    for (const auto& [home, order] : orders) orders_.erase(home);
  }
}

void Attendant::carry_out(const Order& order) {
  const auto done = order.is_down ? fleet_.take_down(order.name, order.why) : fleet_.give_back(order.name, order.why);
  if (done) {
    refused_.erase(order.name);
    const std::string_view state = order.is_down ? "down" : "up again";
    spdlog::warn("health: home {} is {}: {}", order.name, state, order.why);
    if (!done->refusal.empty())
      spdlog::error("home {}: that it is {} is not kept for a restart, which is tried again every second: {}", order.name, state, done->refusal);
    return;
  }
  // It is asked for again as long as it is wanted.
  if (std::exchange(refused_[order.name], done.error()) != done.error()) spdlog::error("health: {}", done.error());
}

}  // namespace viaduct::control
