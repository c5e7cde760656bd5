// SPDX-License-Identifier: Apache-2.0
// Whose watchers have been told of a move that is not in the store yet. A call that is repeated until it is tells nobody again: who was sent away has come back.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <tuple>
#include <vector>

#include "viaduct/notifier/watchers.h"

namespace viaduct::registrar {

/// Thread: any.
class ToldMoves {
 public:
  using Clock = std::chrono::steady_clock;

  /// Those of these clients who are to be told of that move; from now on they have been.
  [[nodiscard]] std::vector<location::ClientKey> untold(std::span<const location::ClientKey> clients, const notifier::Move& move, Clock::time_point now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(told_, [&](const auto& told) { return now - told.second > repeated_within; });
    std::vector<location::ClientKey> out;
    for (const location::ClientKey& client : clients)
      if (told_.insert_or_assign(key_of(client, move), now).second) out.push_back(client);
    return out;
  }
  /// It is in the store.
  void settle(std::span<const location::ClientKey> clients, const notifier::Move& move) {
    const std::lock_guard lock(mutex_);
    for (const location::ClientKey& client : clients) told_.erase(key_of(client, move));
  }

 private:
  using Key = std::tuple<std::uint64_t, std::uint64_t, notifier::Notice, bool>;
  static Key key_of(const location::ClientKey& client, const notifier::Move& move) { return {client.low, client.high, move.notice, move.is_elsewhere}; }
  /// Who repeats a call does so within seconds; later it is about another move.
  static constexpr std::chrono::seconds repeated_within{60};

  std::mutex mutex_;
  std::map<Key, Clock::time_point> told_;  // and when that was asked for last
};

}  // namespace viaduct::registrar
