// SPDX-License-Identifier: Apache-2.0
// A TAP interface: what this process writes to it the kernel receives, what the kernel sends through it this process reads. Whole Ethernet frames.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "viaduct/base/descriptor.h"

namespace viaduct::kernel {

struct TapConfig {
  std::string name;                      ///< of the interface; one that is there and nobody uses is taken as it is
  std::array<std::uint8_t, 6> mac{};     ///< it gets this one
  std::size_t mtu_bytes{};               ///< and sends no larger IP packet
};

/// The interface is made, neither brought up nor given addresses: that is the operator's to do. It goes with this, unless it was there before.
/// Thread: one at a time. No call waits.
class Tap {
 public:
  /// Errors: what the kernel refused, and what it takes.
  [[nodiscard]] static std::expected<Tap, std::string> open(const TapConfig& config);
  /// False: the kernel did not take it. It takes none while the interface is down.
  [[nodiscard]] bool write(std::span<const std::uint8_t> frame);
  /// The next frame, cut off where `room` ends. Returns its octets; 0: none waits.
  [[nodiscard]] std::size_t read(std::span<std::uint8_t> room);
  /// The kernel's number of the interface.
  [[nodiscard]] unsigned index() const { return index_; }

 private:
  Tap(base::Descriptor device, unsigned index) : device_(std::move(device)), index_(index) {}
  base::Descriptor device_;
  unsigned index_;
};

}  // namespace viaduct::kernel
