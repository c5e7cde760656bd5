// SPDX-License-Identifier: Apache-2.0
// The kernel's share of the ports: frames that are nothing for this node go to their port's TAP interface, and what the kernel sends there goes to the wire.
#pragma once
#include <cstdint>
#include <vector>

#include "viaduct/kernel/tap.h"
#include "viaduct/share/counters.h"
#include "viaduct/site/post.h"
#include "viaduct/site/wire.h"

namespace viaduct::control {

// One row a counter: name, and what it counts.
#define VIADUCT_EXCEPTION_COUNTERS(X)                                             \
  X(kernel_taken, "frames given to the kernel")                                   \
  X(kernel_refused, "frames that the kernel did not take: its interface is down") \
  X(kernel_sent, "frames of the kernel put on the wire")                          \
  X(kernel_too_large, "frames of the kernel above the MTU, dropped")              \
  X(kernel_tx_full, "frames of the kernel that a full queue refused")

struct ExceptionCounters {
#define X(name, what) share::Counter name;
  VIADUCT_EXCEPTION_COUNTERS(X)
#undef X
};

/// Thread: the control core's.
class ExceptionPath {
 public:
  /// One a port by number; without `taps` there is no such path: what is given to it is freed.
  ExceptionPath(site::Commons& commons, site::Wire& wire, std::vector<kernel::Tap> taps) : commons_(commons), wire_(wire), taps_(std::move(taps)) {}
  /// A bounded number of frames in each direction. Returns how many there were.
  std::size_t turn();
  /// Give a frame to the kernel, that came by that link. Takes it over.
  void give(nic::Packet p, base::Link link);
  /// The kernel is heard and told no more.
  void close() { taps_.clear(); }
  [[nodiscard]] const ExceptionCounters& counters() const { return counters_; }

 private:
  std::size_t to_kernel();
  std::size_t from_kernel(std::size_t port);
  void take(nic::Packet p);
  void send(nic::Packet p);

  site::Commons& commons_;
  site::Wire& wire_;
  std::vector<kernel::Tap> taps_;
  ExceptionCounters counters_;
};

}  // namespace viaduct::control
