// SPDX-License-Identifier: Apache-2.0
// What a started port knows of itself: shared by port.cpp, which fills it, and burst.cpp, which only reads it.
#pragma once
#include <rte_mempool.h>

#include <memory>

#include "viaduct/nic/nic.h"

namespace viaduct::nic {

struct FreePool {
  void operator()(rte_mempool* pool) const { rte_mempool_free(pool); }
};
using Pool = std::unique_ptr<rte_mempool, FreePool>;

/// A device that is stopped and closed when this ends.
struct Device {
  std::uint16_t index{};
  bool is_configured{};
  Device() = default;
  ~Device() { close(); }
  void close();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
};

struct Started {
  Pool pool;                          ///< ordinary buffers; declared before the device, which must let go of them first
  Pool large_pool;
  Device device;
  std::uint16_t number{};             ///< among the node's ports
  std::uint16_t rx_queues{};
  std::uint16_t tx_queues{};
  std::uint16_t rx_descriptors{};
  std::uint16_t tx_descriptors{};
  bool has_control_queue{};
  bool rx_checksums{};                ///< the device verifies UDP's at least, and says so in each buffer
  bool tx_checksums{};                ///< the device computes UDP's
  bool believes_device{};
  net::ChecksumTrust unverified{};    ///< what to do with what the device did not verify
  net::ChecksumWork uncomputed{net::ChecksumWork::software};   ///< and with what it does not compute
  std::string driver;
};

struct Port::Impl : Started {};

}  // namespace viaduct::nic
