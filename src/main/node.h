// SPDX-License-Identifier: Apache-2.0
// One node put together: device, rings, assignment, workers, registrar shard, control core, operator's socket; started and stopped in order.
#pragma once
#include <atomic>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "viaduct/config/config.h"

namespace viaduct {

/// Where shipped files are looked for, in order.
struct Folders {
  std::vector<std::filesystem::path> profiles;   ///< dpdk-config
  std::vector<std::filesystem::path> rules;
};

class Node {
 public:
  /// Everything allocated, the device started, nothing polled yet. Errors: what is missing and how to mend it.
  [[nodiscard]] static std::expected<std::unique_ptr<Node>, std::string> start(const config::Config& config, const Folders& folders);
  ~Node();
  /// Start the workers, be the control core until `quit`, and say READY once every placement is in the table; then stop in order, with what is in the rings
  /// done. False when the store turned out to be corrupt.
  bool run(const std::atomic<bool>& quit);
  /// Read the configuration again and apply what can be applied, all of it or nothing. Thread: any but the control core.
  void reload_and_log();

 private:
  struct Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct
