// SPDX-License-Identifier: Apache-2.0
// Quiescent points: when a worker has passed one, it holds nothing that was unpublished before. Wraps rte_rcu_qsbr; nobody ever waits.
#pragma once
#include <cstdint>
#include <memory>

namespace viaduct::share {

/// Taken after something was unpublished; looked at later.
struct GraceToken {
  std::uint64_t value{};
};

/// One RCU variable for all readers of a node. Thread: readers call with their own index; start and is_over from whoever unpublishes: the control core, and each
/// registrar shard for its own maps.
class Epoch {
 public:
  explicit Epoch(unsigned readers_max);
  ~Epoch();
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;
  void enter(unsigned reader);  ///< register and go online, before the first read
  void leave(unsigned reader);  ///< go offline and unregister
  void quiescent(unsigned reader);  ///< once a burst: nothing read before is held any more
  void offline(unsigned reader);  ///< before sleeping
  void online(unsigned reader);  ///< after sleeping
  [[nodiscard]] GraceToken start();
  [[nodiscard]] bool is_over(GraceToken token);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::share
