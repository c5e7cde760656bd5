// SPDX-License-Identifier: Apache-2.0
// Every second: pulses from the control core, how busy everybody is, and from both the records. A directory is another one only when it says something else.
#include "viaduct/control/names.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "viaduct/base/clocks.h"

namespace viaduct::control {
namespace {

constexpr std::chrono::milliseconds look_every{1'000}, ask_every{5'000};
/// How much a new measurement counts: clients follow a weight for as long as its records live, so that it had better not jump.
constexpr double newest_share = 0.3;
/// What a node has said of its time is heeded for so long.
constexpr std::uint64_t told_for_ms = 60'000;

/// How much of the time between the two its busiest worker was at work: the one that fills up first. nullopt: that cannot be told.
std::optional<double> busy_between(const NodeWork& before, const NodeWork& after) {
  if (after.uptime_ms <= before.uptime_ms || after.busy_ms.size() != before.busy_ms.size() || after.busy_ms.empty()) return std::nullopt;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < after.busy_ms.size(); ++i)
    if (after.busy_ms[i] >= before.busy_ms[i]) most = std::max(most, after.busy_ms[i] - before.busy_ms[i]);
  return std::min(1.0, static_cast<double>(most) / static_cast<double>(after.uptime_ms - before.uptime_ms));
}

bool is_own(const config::Config& config, const config::DirectoryEdge& edge) {
  return std::ranges::any_of(edge.addresses,
                             [&](const base::Endpoint& at) { return std::ranges::find(config.listen, at, &config::Listen::endpoint) != config.listen.end(); });
}

/// Where an edge is asked: at the first address of a version that this node has, too.
std::optional<base::Endpoint> asked_at(const config::Config& config, const config::DirectoryEdge& edge) {
  if (!edge.is_probed || is_own(config, edge)) return std::nullopt;
  for (const base::Endpoint& at : edge.addresses)
    if (std::ranges::any_of(config.listen, [&](const base::Endpoint& own) { return own.address.is_v4() == at.address.is_v4(); }, &config::Listen::endpoint))
      return at;
  return std::nullopt;
}

}  // namespace

NodeWork work_of(const site::Commons& commons, std::chrono::steady_clock::time_point started) {
  NodeWork out;
  for (const share::Counters& worker : commons.counters) out.busy_ms.push_back(worker.busy_ms.get());
  out.uptime_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - started).count());
  return out;
}

directory::Settings directory_of(const config::Config& config) {
  directory::Settings out{
      .zones = config.directory.zones, .domains = config.domains, .nameservers = config.directory.nameservers, .ttl_s = config.directory.ttl_s};
  for (const auto& [alias, domain] : config.domain_aliases) out.domains.push_back(alias);
  for (const config::DirectoryEdge& e : config.directory.edges) {
    directory::Edge& edge = out.edges.emplace_back();
    edge = {.name = e.name, .port = e.addresses.front().port, .weight = e.weight};
    for (const base::Endpoint& at : e.addresses) edge.addresses.push_back(at.address);
  }
  return out;
}

Names::Names(site::Commons& commons, Loop& loop, Health& health, Peers& peers, const config::Config& config, std::chrono::steady_clock::time_point started)
    : commons_(commons), loop_(loop), health_(health), peers_(peers), started_(started) {
  set(config);
}

Names::~Names() = default;

void Names::set(const config::Config& config) {
  std::vector<std::optional<base::Endpoint>> asked;
  for (const config::DirectoryEdge& edge : config.directory.edges) asked.push_back(asked_at(config, edge));
  loop_.call([&] { health_.edges().set(std::move(asked), base::monotonic_ms()); });
  {
    const std::lock_guard lock(mutex_);
    settings_ = directory_of(config);
    const auto before = std::exchange(known_, {});
    for (const config::DirectoryEdge& edge : config.directory.edges) {
      Known& known = known_.emplace_back();
      const auto same = std::ranges::find_if(before, [&](const Known& k) { return k.edge.name == edge.name && k.edge.control == edge.control; });
      if (same != before.end()) known = *same;
      known.edge = edge;
      known.is_own = is_own(config, edge);
    }
  }
  look();
}

void Names::start() {
  looking_ = std::thread([this] {
    while (wait(look_every)) look();
  });
  asking_ = std::thread([this] {
    do ask_all();
    while (wait(ask_every));
  });
}

void Names::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ends_.notify_all();
  if (looking_.joinable()) looking_.join();
  if (asking_.joinable()) asking_.join();
}

/// False when it is over.
bool Names::wait(std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  return !ends_.wait_for(lock, duration, [this] { return is_over_; });
}

std::shared_ptr<const directory::Directory> Names::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

std::vector<EdgeView> Names::edges() const {
  const std::lock_guard lock(mutex_);
  return views_;
}

void Names::look() {
  std::vector<std::optional<EdgePulse>> pulses;
  config::Health rules;
  assign::HomeState own = assign::HomeState::up;
  loop_.call([&] {
    pulses = health_.edges().pulses();
    rules = health_.rules();
    const site::Site& site = commons_.site.read();
    if (site.local_home != assign::no_home) own = site.homes[site.local_home].state;
  });
  const std::lock_guard lock(mutex_);
  if (pulses.size() != known_.size()) return;   // another configuration has come in between, and looks for itself
  std::vector<EdgeView> views;
  std::vector<directory::Standing> standings;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    Known& k = known_[i];
    if (base::monotonic_ms() - k.told_ms > told_for_ms) k.busy_ratio.reset();
    // This node answers OPTIONS with 503 while its own home drains or is down, and says the same of itself here.
    const bool is_draining = k.edge.is_draining || (k.is_own ? !assign::is_up(own) : pulses[i] && pulses[i]->is_draining);
    const bool is_down = pulses[i] && pulses[i]->is_down(rules);
    standings.push_back({.state = is_down       ? directory::State::down
                                  : is_draining ? directory::State::draining
                                                : directory::State::up,
                         .headroom_ratio = 1 - k.busy_ratio.value_or(0)});
    views.push_back(
        {.name = k.edge.name, .is_own = k.is_own, .pulse = pulses[i], .standing = standings.back(), .busy_ratio = k.busy_ratio, .why_unknown = k.why_unknown});
  }
  const std::vector<directory::Offer> offers = directory::offers(settings_.edges, standings);
  for (std::size_t i = 0; i < views.size(); ++i) views[i].offer = offers[i];
  for (const EdgeView& view : views) {
    const auto before = std::ranges::find(views_, view.name, &EdgeView::name);
    if (before != views_.end() && before->standing.state != view.standing.state)
      spdlog::info("directory: edge {} is {}, was {}", view.name, directory::name(view.standing.state), directory::name(before->standing.state));
  }
  views_ = std::move(views);
  if (now_ && now_->settings() == settings_ && std::ranges::equal(now_->offers(), offers)) return;
  // Serial numbers grow (RFC 1982), also over a restart, unless records change more than once a second all the time.
  const auto by_clock = static_cast<std::uint32_t>(base::wall_s());
  now_ = std::make_shared<const directory::Directory>(settings_, standings, now_ ? std::max(by_clock, now_->serial() + 1) : by_clock);
}

/// Who is asked is asked without the lock: an answer may take seconds.
void Names::ask_all() {
  std::vector<Known> whom;
  {
    const std::lock_guard lock(mutex_);
    whom = known_;
  }
  for (std::size_t i = 0; i < whom.size(); ++i) {
    if (whom[i].is_own)
      hear(i, whom[i].edge, work_of(commons_, started_));
    else if (whom[i].edge.control)
      hear(i, whom[i].edge, peers_.work(*whom[i].edge.control));
  }
}

void Names::hear(std::size_t number, const config::DirectoryEdge& edge, const Expected<NodeWork>& told) {
  const std::lock_guard lock(mutex_);
  if (number >= known_.size() || known_[number].edge.name != edge.name || known_[number].edge.control != edge.control) return;
  Known& k = known_[number];
  k.why_unknown = told ? "" : told.error();
  if (!told) return;
  const auto busy = k.work ? busy_between(*k.work, *told) : std::nullopt;
  k.work = *told;
  if (!busy) return;
  k.busy_ratio = k.busy_ratio ? *k.busy_ratio + newest_share * (*busy - *k.busy_ratio) : *busy;
  k.told_ms = base::monotonic_ms();
}

}  // namespace viaduct::control
