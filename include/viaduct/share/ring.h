// SPDX-License-Identifier: Apache-2.0
// Mail between cores: a bounded ring of pointers. Wraps rte_ring; a full ring refuses, and the sender counts.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace viaduct::share {

enum class Producers : std::uint8_t { one, many };

/// Many or one producer, one consumer. Owner of what is inside: nobody until it is popped.
class Ring {
 public:
  /// Shape: holds exactly `slots` items, 1 to 2^30; the name is cut at 31 octets. Errors: stops the process when memory is missing (start-up only).
  Ring(const std::string& name, std::size_t slots, Producers producers);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  /// Push as many as fit, in order; returns how many. Release: pairs with the acquire in pop.
  [[nodiscard]] std::size_t push(std::span<void* const> items);
  /// Pop up to items.size(), in order; returns how many.
  [[nodiscard]] std::size_t pop(std::span<void*> items);
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] std::size_t slots() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::share
