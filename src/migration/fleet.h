// SPDX-License-Identifier: Apache-2.0
// What a plan is made from: the planner's arrays, and what turns their places back into homes, clients and slots.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "viaduct/migration/balancer.h"

namespace viaduct::migration {

/// All that a plan is made from.
struct Balancer::Fleet {
  std::vector<balance::Home> homes;
  std::vector<std::string> names;
  std::vector<std::uint32_t> index;       // of each in the fleet's list: removed ones are left out
  std::vector<std::uint16_t> by_home;     // and back
  std::vector<double> supposed;           // of each: its clients' loads are so many times what was measured
  std::vector<control::HomeLoad> loads;
  double window_s{};                      // over which they were counted
  std::vector<control::ClientLoad> tracked;
  std::uint64_t clients_count{};
  double events_per_client{};
  // The planner's arrays: clients one by one, and what their steps need.
  std::vector<balance::HomeIndex> home;
  std::vector<balance::LoadClass> load;
  std::vector<std::uint8_t> flags;
  std::vector<sip::ClientKey> keys;
  std::vector<std::string> aors;
  std::vector<balance::Group> groups;
  std::vector<std::size_t> slots;         // of each group

  void add(const sip::ClientKey& key, std::string aor, balance::HomeIndex at, balance::LoadClass load_class, bool stays) {
    keys.push_back(key);
    aors.push_back(std::move(aor));
    home.push_back(at);
    load.push_back(load_class);
    flags.push_back(stays ? balance::immovable_flag : 0);
  }
};

}  // namespace viaduct::migration
