// SPDX-License-Identifier: Apache-2.0
// The configuration read again while traffic flows.
#include <spdlog/spdlog.h>

#include "node_impl.h"
#include "rules.h"
#include "settings.h"
#include "viaduct/base/clocks.h"
#include "viaduct/control/build_site.h"
#include "viaduct/control/homes.h"

namespace viaduct {

// Files are read on the caller's thread; the control core only swaps what has been checked. What a running node cannot change keeps its old value, and homes
// are the store's to say. On return every worker goes by it.
std::expected<api::Reload, std::string> Node::Impl::reload() {
  const std::lock_guard one_at_a_time(reloading);
  auto next = config::load(config.file, folders.profiles);
  if (!next) return std::unexpected(next.error().text);
  auto next_rules = compile_rules(*next, config.workers, folders.rules);
  if (!next_rules) return std::unexpected(next_rules.error());
  auto pen = placements.take_pen();
  if (!pen) return std::unexpected(pen.error());
  api::Reload done{.needs_restart = config::needs_restart(applied, *next)};
  config::keep_until_restart(applied, *next);
  const auto homes = fleet.homes();
  done.differs = control::differences(*next, assign::Homes(homes));
  auto built = control::build_site(*next, homes, fleet.is_stale());
  if (!built) return std::unexpected(config.file.string() + ": " + built.error());
  const auto registering = registrar_of(*next, (*built)->domains);
  if (!registering) return std::unexpected(registering.error());
  applied = std::move(*next);
  registrar.apply(*registering);
  loop.call([&] {
    site.publish(std::move(*built), epoch);
    resolver.set_static(applied);
    health.apply(applied.health);
    show_rules(std::move(*next_rules));
    done.applied = {
        "domains, policy, keys, prefixes", "neighbours", "registrar rules, credentials, watchers", "screening rules", "limits", "health", "balance"};
    if (names) done.applied.emplace_back("directory");
    done.epoch = assignment.epoch();
  });
  // Not on the control core, which these wait for while they hold their locks.
  mover.set(mover_of(applied));
  balancer.set(balance_of(applied));
  if (names) names->set(applied);
  pen->unlock();
  loop.wait_until_seen();
  return done;
}

// The files are read and compiled on the caller's thread.
std::expected<std::size_t, std::string> Node::Impl::reload_rules() {
  const std::lock_guard one_at_a_time(reloading);
  config::Config current;
  {
    const auto pen = placements.take_pen();
    if (!pen) return std::unexpected(pen.error());
    current = applied;
  }
  auto next = compile_rules(current, config.workers, folders.rules);
  if (!next) return std::unexpected(next.error());
  const std::size_t count = (*next)->list().size();
  loop.call([&] { show_rules(std::move(*next)); });
  loop.wait_until_seen();
  return count;
}

// On the control core.
void Node::Impl::show_rules(std::unique_ptr<screen::Rules> next) {
  next->continue_from(rules.read());
  rules.publish(std::move(next), epoch);
}

void Node::reload_and_log() {
  tell_supervisor("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(base::monotonic_us()));
  const auto done = impl_->reload();
  tell_supervisor("READY=1");
  if (!done) return spdlog::error("reload refused, nothing changed: {}", done.error());
  for (const std::string& what : done->applied) spdlog::info("reload: {} in force", what);
  for (const std::string& key : done->needs_restart) spdlog::warn("reload: {} needs a restart", key);
  for (const std::string& difference : done->differs) spdlog::warn("reload: {}", difference);
}

}  // namespace viaduct
