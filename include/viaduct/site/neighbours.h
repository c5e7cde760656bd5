// SPDX-License-Identifier: Apache-2.0
// Who has which MAC on the link, as workers read it: an immutable snapshot made by the control core.
#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/net/frame.h"

namespace viaduct::site {

/// Open-addressed, at most half full. Thread: immutable once published.
class Neighbours {
 public:
  Neighbours() : Neighbours(std::vector<std::pair<base::Address, net::Mac>>{}) {}
  explicit Neighbours(const std::vector<std::pair<base::Address, net::Mac>>& known);
  [[nodiscard]] std::optional<net::Mac> find(const base::Address& a) const;

 private:
  struct Place {
    base::Address address;
    net::Mac mac{};
    bool used{};
  };
  [[nodiscard]] std::size_t first_place(const base::Address& a) const;
  std::vector<Place> places_;
};

}  // namespace viaduct::site
