// SPDX-License-Identifier: Apache-2.0
// The directory service: looks how the edges are, and makes the directory that is answered from. Whoever asks is answered by area api.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/control/health.h"
#include "viaduct/control/loop.h"
#include "viaduct/control/peers.h"
#include "viaduct/directory/directory.h"

namespace viaduct::control {

/// How much of their time the workers of this node have been at work; `started`: since when they could have been. Thread: any.
[[nodiscard]] NodeWork work_of(const site::Commons& commons, std::chrono::steady_clock::time_point started);

/// What the directory makes of a configuration.
[[nodiscard]] directory::Settings directory_of(const config::Config& config);

// One row a counter: name, and what it counts.
#define VIADUCT_DIRECTORY_COUNTERS(X)                                                     \
  X(dns_questions, "questions of PowerDNS's")                                             \
  X(dns_nothing, "of dns_questions: there is no such name, type, or question")            \
  X(http_edges, "HTTP requests for a domain's edges, those that were refused among them") \
  X(http_homes, "HTTP requests for a client's home, those that were refused among them")

/// Thread: any.
struct DirectoryCounters {
#define X(name, what) std::atomic<std::uint64_t> name;
  VIADUCT_DIRECTORY_COUNTERS(X)
#undef X
};

/// An edge as the operator sees it.
struct EdgeView {
  std::string name;
  bool is_own{};                           ///< this node
  std::optional<EdgePulse> pulse;          ///< nullopt: it is not asked
  directory::Standing standing;
  std::optional<double> busy_ratio;        ///< nullopt: nobody says
  std::string why_unknown;                 ///< why its node did not say; empty: it did, or has no control address
  directory::Offer offer;
};

/// Thread: any that may wait, but the control core; `now` any.
class Names {
 public:
  Names(site::Commons& commons, Loop& loop, Health& health, Peers& peers, const config::Config& config, std::chrono::steady_clock::time_point started);
  ~Names();
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  /// Another configuration: its edges, zones, domains and listeners, from now on.
  void set(const config::Config& config);
  /// Look every second, on a thread of its own; what others say is asked for on another. Thread: the node's, once.
  void start();
  void stop();

  /// As it stands. Never null.
  [[nodiscard]] std::shared_ptr<const directory::Directory> now() const;
  [[nodiscard]] std::vector<EdgeView> edges() const;
  [[nodiscard]] DirectoryCounters& counters() { return counters_; }

 private:
  /// An edge of the configuration, and what is known of how busy it is.
  struct Known {
    config::DirectoryEdge edge;
    bool is_own{};
    std::optional<NodeWork> work;            // when it was last told
    std::optional<double> busy_ratio;        // smoothed
    std::uint64_t told_ms{};
    std::string why_unknown;
  };
  void look();
  void ask_all();
  void hear(std::size_t number, const config::DirectoryEdge& edge, const Expected<NodeWork>& told);
  [[nodiscard]] bool wait(std::chrono::milliseconds duration);

  site::Commons& commons_;
  Loop& loop_;
  Health& health_;
  Peers& peers_;
  const std::chrono::steady_clock::time_point started_;
  mutable std::mutex mutex_;                 // of the next five
  directory::Settings settings_;
  std::vector<Known> known_;
  std::vector<EdgeView> views_;
  std::shared_ptr<const directory::Directory> now_;
  bool is_over_{};
  std::condition_variable ends_;
  DirectoryCounters counters_;
  std::thread looking_, asking_;
};

}  // namespace viaduct::control
