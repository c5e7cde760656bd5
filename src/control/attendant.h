// SPDX-License-Identifier: Apache-2.0
// Carries out what health has decided, on a thread that may wait for the disk, and offers the disk again what it has refused of homes' states; decides nothing
// itself.
#pragma once
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "viaduct/control/fleet.h"

namespace viaduct::control {

/// Thread: asked by the control core, which never waits longer than for a lock that nobody holds while working.
class Attendant {
 public:
  explicit Attendant(Fleet& fleet);
  /// What has begun is finished; what waits is not.
  ~Attendant();
  /// Once for a home, until it is done. Both: commit it, and say so in the log.
  void take_down(assign::HomeIndex home, const std::string& name, std::string why);
  void give_back(assign::HomeIndex home, const std::string& name, std::string why);
  /// Let so many of their clients go back.
  void let_return(std::vector<Returned> returned);
  void warn(std::string text);

 private:
  struct Order {
    std::string name;
    std::string why;
    bool is_down{};   // take down, else give back
  };
  void order(assign::HomeIndex home, Order&& order);
  void run();
  [[nodiscard]] bool has_work() const { return is_over_ || !orders_.empty() || !returned_.empty() || !warnings_.empty(); }
  void carry_out(const Order& order);

  Fleet& fleet_;
  std::mutex mutex_;                              // of all below but the thread
  std::condition_variable wake_;
  std::map<assign::HomeIndex, Order> orders_;     // one that is being carried out is still in it
  std::vector<Returned> returned_;                // the last
  std::vector<std::string> warnings_;
  bool is_over_{};
  std::map<std::string, std::string> refused_;    // by home, why last: told once. The thread's own
  std::thread thread_;
};

}  // namespace viaduct::control
