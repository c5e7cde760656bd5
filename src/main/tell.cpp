// SPDX-License-Identifier: Apache-2.0
// What the home before is told of clients who move, and what it says of those who have not come.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "node_impl.h"
#include "viaduct/base/clocks.h"

namespace viaduct {
namespace {

using migration::Step;
using Clients = std::vector<sip::ClientKey>;

std::vector<std::string> aors_of(std::span<const Step* const> clients) {
  std::vector<std::string> out;
  for (const Step* step : clients) out.push_back(step->aor);
  return out;
}

Clients keys_of(std::span<const Step* const> clients) {
  Clients out;
  for (const Step* step : clients) out.push_back(step->key);
  return out;
}

}  // namespace

/// Of those whom nobody has confirmed: who has registered at the home before since he set out. Errors: that home cannot be asked now.
control::Expected<std::vector<const Step*>> Node::Impl::sticky_at(assign::HomeIndex from, bool is_called, std::span<const Step* const> clients) {
  std::vector<const Step*> unconfirmed;
  std::ranges::copy_if(clients, std::back_inserter(unconfirmed), [](const Step* step) { return !step->is_confirmed; });
  if (unconfirmed.empty()) return unconfirmed;
  const std::uint64_t now_s = base::unset_wall_s();  // before it is asked: how long ago he registered may only be said too long
  const auto standings = is_called ? peers.standings(from, aors_of(unconfirmed)) : registrar.standings(keys_of(unconfirmed));
  if (!standings) return std::unexpected(standings.error());
  std::vector<const Step*> out;
  for (std::size_t i = 0; i < unconfirmed.size(); ++i)
    if (is_sticky(*unconfirmed[i], (*standings)[i].registered_ago_s, now_s)) out.push_back(unconfirmed[i]);
  return out;
}

// Watchers of clients that move are told by the node that has their subscriptions: the home before, when it is a Viaduct that can be called. Another's own
// end by their refresh, which reaches the new home; so do those at a home that was removed meanwhile.
control::Expected<Clients> Node::Impl::tell(assign::HomeIndex from, migration::Tidings tidings, std::span<const Step* const> clients) {
  notifier::Move move{.notice = tidings == migration::Tidings::moved     ? notifier::Notice::deactivated
                                : tidings == migration::Tidings::leaving ? notifier::Notice::shortened
                                                                         : notifier::Notice::probation};
  std::string name;
  bool is_here = false, is_called = false;
  std::uint32_t epoch_now = 0;
  loop.call([&] {
    const assign::Home& home = site.read().homes[from];
    name = home.name;
    is_here = home.is_local;
    is_called = !is_here && home.state != assign::HomeState::removed && home.control.has_value();
    epoch_now = assignment.epoch();
  });
  std::vector<const Step*> named(clients.begin(), clients.end());
  if (is_called) std::erase_if(named, [](const Step* step) { return step->aor.empty(); });
  std::vector<const Step*> sticky;
  if (tidings == migration::Tidings::moved && (is_here || is_called)) {
    auto found = sticky_at(from, is_called, named);
    if (!found) return std::unexpected(found.error());
    sticky = std::move(*found);
  }
  if (is_called) {
    const auto told = peers.tell_moved(from, epoch_now, move, aors_of(named));
    if (!told) return std::unexpected(told.error());
  } else {
    move.is_elsewhere = !is_here;  // who watches at the new home, which may be told of by this node too, stays
    if (const auto told = registrar.moved(keys_of(named), move); !told) return std::unexpected(told.error());
  }
  for (const Step* step : sticky)
    if (!step->aor.empty()) spdlog::info("{} was moved and has not come to his new home: he registers at {} still", step->aor, name);
  return keys_of(sticky);
}

}  // namespace viaduct
