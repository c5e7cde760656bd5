// SPDX-License-Identifier: Apache-2.0
// Building the snapshot of the fleet's homes: prebuilt texts, and what is looked up by name and address.
#include "viaduct/assign/homes.h"

#include <algorithm>

#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"

namespace viaduct::assign {
namespace {

/// The parameter of the redirect (its expiry and MAC) and the closing bracket are added to it.
std::string contact(const std::optional<base::Endpoint>& place) { return place ? "Contact: <sip:" + place->text() : std::string{}; }

HomeBrief brief_of(const Home& home) {
  HomeBrief out{.address = home.address,
                .contact_v4_bytes = static_cast<std::uint8_t>(home.contact_v4.size()),
                .state = home.state,
                .has_public_v6 = home.public_v6.has_value(),
                .is_local = home.is_local,
                .is_viaduct = home.is_viaduct,
                .returned_percent = home.returned_percent};
  base::check(home.contact_v4.size() <= out.contact_v4.size(), "an IPv4 address and port in 21 octets");
  std::ranges::copy(home.contact_v4, out.contact_v4.begin());
  return out;
}

}  // namespace

std::string_view name(HomeState s) {
  switch (s) {
    case HomeState::up:
      return "up";
    case HomeState::draining:
      return "draining";
    case HomeState::returning:
      return "returning";
    case HomeState::down:
      return "down";
    case HomeState::removed:
      return "removed";
  }
  base::fail("a home state without a name");
}

Homes::Homes(std::vector<Home> homes) : homes_(std::move(homes)) {
  base::check(homes_.size() <= base::homes_max, "more homes than homes_max");
  const bool has_settled = std::ranges::any_of(homes_, [](const Home& home) { return home.state == HomeState::up; });
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    Home& home = homes_[i];
    home.contact_v4 = contact(home.public_v4);
    home.contact_v6 = contact(home.public_v6);
    briefs_.push_back(brief_of(home));
    by_name_.push_back(static_cast<HomeIndex>(i));
    if (home.state == HomeState::up || (!has_settled && is_up(home.state))) up_.add(home.name, home.weight, static_cast<HomeIndex>(i));
    if (home.state == HomeState::removed) continue;
    returned_min_ = std::max(returned_min_, home.returned_min);
    has_edge_notified_ |= home.edge_notifies;
    are_any_limited_ |= home.max_per_s != 0;
    endpoints_.emplace_back(home.address, static_cast<HomeIndex>(i));
    if (home.public_v4) endpoints_.emplace_back(*home.public_v4, static_cast<HomeIndex>(i));
    if (home.public_v6) endpoints_.emplace_back(*home.public_v6, static_cast<HomeIndex>(i));
  }
  const auto name_of = [this](HomeIndex i) -> const std::string& { return homes_[i].name; };
  std::ranges::sort(by_name_, {}, name_of);
  base::check(std::ranges::adjacent_find(by_name_, {}, name_of) == by_name_.end(), "two homes of one name");
  std::ranges::sort(endpoints_);
}

HomeIndex Homes::find(std::string_view name) const {
  const auto name_of = [this](HomeIndex i) { return std::string_view(homes_[i].name); };
  const auto at = std::ranges::lower_bound(by_name_, name, {}, name_of);
  return at != by_name_.end() && name_of(*at) == name ? *at : no_home;
}

HomeIndex Homes::find(const base::Endpoint& e) const {
  const auto at = std::ranges::lower_bound(endpoints_, std::pair{e, HomeIndex{0}});
  if (at != endpoints_.end() && at->first == e) return at->second;
  const auto host = std::ranges::lower_bound(endpoints_, std::pair{base::Endpoint{.address = e.address}, HomeIndex{0}});
  return host != endpoints_.end() && host->first.address == e.address ? host->second : no_home;
}

bool Homes::is_home_host(const base::Address& a) const { return find(base::Endpoint{.address = a}) != no_home; }

HomeIndex next_up(const Homes& homes, std::uint64_t key_hash, HomeIndex except) { return homes.up_.choose(key_hash, except); }

}  // namespace viaduct::assign
