// SPDX-License-Identifier: Apache-2.0
// What homes ask for when they have too much, heard by any worker and kept to by all, without a lock; and what this node's own registrar asks for.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "viaduct/assign/rendezvous.h"
#include "viaduct/base/limits.h"
#include "viaduct/share/ring.h"
#include "viaduct/sip/overload.h"

namespace viaduct::site {

/// Times are milliseconds on nic::now_ms().
class Overloads {
 public:
  /// What a home wants until then.
  struct Wish {
    sip::OverloadAlgorithm algorithm{};
    std::uint32_t value{};   ///< as sip::OverloadReport
    std::uint64_t until_ms{};
  };

  Overloads() = default;
  ~Overloads();
  Overloads(const Overloads&) = delete;
  Overloads& operator=(const Overloads&) = delete;

  /// Make room for so many homes. Before a site with them is published. Thread: the control core.
  void cover(std::size_t homes);
  /// Take a report of a home, which is good from now on. False: a later one has come before, and stays.
  /// Shape: a home that is covered. Thread: any; of reports that come at once the latest by their sequence stays.
  /// Source: RFC 7339 4.3, 4.4, 5.4, 5.7.
  bool take(assign::HomeIndex home, const sip::OverloadReport& report, std::uint64_t now_ms);
  /// What it wants now; nullopt: no less than anybody sends. Thread: any.
  [[nodiscard]] std::optional<Wish> of(assign::HomeIndex home, std::uint64_t now_ms) const;
  /// Whether any home may want anything: false for certain. Relaxed: a worker that sees it late sends a few requests more.
  [[nodiscard]] bool is_any(std::uint64_t now_ms) const { return now_ms < until_ms_.load(std::memory_order_relaxed); }

 private:
  /// Writers: workers. The wish is one word, so that whoever reads it reads all of one report; `sequence` says of which one.
  struct alignas(32) Record {
    std::atomic<std::uint64_t> wish{};
    std::atomic<std::uint64_t> sequence{};
    std::atomic<std::uint64_t> ordered_until_ms{};
    [[nodiscard]] bool comes_next(const sip::OverloadReport& report, std::uint64_t now_ms);
  };
  [[nodiscard]] Record* find(assign::HomeIndex home) const {
    Record* const piece = pieces_[home / piece_homes].load(std::memory_order_acquire);
    return piece != nullptr ? piece + home % piece_homes : nullptr;
  }

  static constexpr std::size_t piece_homes = 256;   // 8 KiB
  std::array<std::atomic<Record*>, base::homes_max / piece_homes + 1> pieces_{};
  std::atomic<std::uint64_t> until_ms_{};           // of all wishes, the last end
};

/// How many of a hundred requests this node's registrar wants to be spared: none while half of its ring is free, all when it is full; the mean of its shards.
/// With twice as much as it manages, three quarters of the ring are taken, and half is to be left out: then as much comes as it does. Thread: any.
[[nodiscard]] std::uint32_t registrar_loss_percent(std::span<const std::unique_ptr<share::Ring>> shards);

}  // namespace viaduct::site
