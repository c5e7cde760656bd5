// SPDX-License-Identifier: Apache-2.0
// A connection of which a long verb has hold, and its thread.
#pragma once
#include <atomic>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "connection.h"
#include "viaduct/api/server.h"

namespace viaduct::api {

class Busy final : public Stream {
 public:
  /// `stopper` and `finished` are eventfds: the first is readable once the server shall stop, the second is made so when the verb is done.
  Busy(Connection connection, int stopper, int finished, Patience patience)
      : connection_(std::move(connection)), stopper_(stopper), finished_(finished), patience_(patience) {}
  void start(Work work);
  [[nodiscard]] bool is_done() const { return is_done_.load(std::memory_order_acquire); }
  /// The connection back. Shape: is_done, or the server stops.
  [[nodiscard]] Connection finish();

  std::string_view read() override;
  bool write(std::string_view octets) override;
  bool offer(std::string_view octets) override;

 private:
  /// False when the server stops, or when nothing happens in time.
  [[nodiscard]] bool wait(short events, int timeout_ms) const;
  [[nodiscard]] bool is_stopping() const;

  Connection connection_;
  int stopper_, finished_;
  Patience patience_;
  std::string taken_;
  std::atomic<bool> is_done_{};
  std::thread thread_;
};

}  // namespace viaduct::api
