// SPDX-License-Identifier: Apache-2.0
// When homes are asked, and what follows from their answers and their silence.
#include "viaduct/control/health.h"

#include <algorithm>
#include <string>
#include <utility>

#include "attendant.h"
#include "prober.h"
#include "viaduct/base/clocks.h"

namespace viaduct::control {
namespace {

constexpr std::uint64_t let_return_every_ms = 1'000;
/// Homes that are looked at in one tick: 25,600 a second.
constexpr std::size_t wakes_a_tick = 256;

/// When in an interval a home is asked: spread evenly, however many there are.
std::uint64_t offset_ms(assign::HomeIndex home, std::uint64_t interval_ms) {
  return (home * std::uint64_t{0x9e3779b9} & 0xffff'ffff) * interval_ms >> 32;   // by the golden ratio
}

/// Any final response is a sign of life but those that say: not now, and not in time. A draining home may say so and still serve whom it has.
bool is_alive(std::uint16_t status, assign::HomeState state) { return status != 408 && (status != 503 || state == assign::HomeState::draining); }

}  // namespace

Health::Health(site::Commons& commons, site::Wire& wire, const config::Health& rules)
    : commons_(commons), rules_(rules), prober_(std::make_unique<Prober>(commons, wire)), edges_(*prober_, counters_, rules_) {}

Health::~Health() = default;

void Health::begin(Fleet& fleet) { attendant_ = std::make_unique<Attendant>(fleet); }

void Health::stop() { attendant_.reset(); }

void Health::tick(std::uint64_t now_ms) {
  if (!attendant_ || now_ms - ticked_ms_ < tick_ms) return;
  const site::Site& site = commons_.site.read();
  meet_new_homes(site, now_ms);
  ticked_ms_ = now_ms;
  for (std::size_t i = 0; i < wakes_a_tick; ++i) {
    base::Timer* const due = wheel_.take_due(now_ms / tick_ms);
    if (due == nullptr) break;
    wake(static_cast<Watch&>(*due), site, now_ms);
  }
  if (!changed_.empty()) {
    take_census(site);
    for (Watch* const w : std::exchange(changed_, {})) conclude(*w, site);
  }
  if (now_ms - let_return_ms_ >= let_return_every_ms) let_return(site, now_ms);
  edges_.tick(now_ms);
}

void Health::meet_new_homes(const site::Site& site, std::uint64_t now_ms) {
  const bool is_beginning = ticked_ms_ == 0;
  while (watches_.size() < site.homes.size()) {
    const auto home = static_cast<assign::HomeIndex>(watches_.size());
    Watch& w = watches_.emplace_back();
    w.home = home;
    w.added_ms = is_beginning ? 0 : now_ms;
    w.due_ms = now_ms + offset_ms(home, rules_.interval_ms);
    set(w, w.due_ms);
  }
}

void Health::wake(Watch& w, const site::Site& site, std::uint64_t now_ms) {
  look(w, site.homes[w.home], now_ms);
  if (std::exchange(w.is_open, false)) {
    counters_.probes_timed_out.add(1);
    w.pulse.miss(rules_, now_ms);
    changed_.push_back(&w);
  }
  if (!w.is_asked) return set(w, now_ms + rules_.interval_ms);
  if (now_ms < w.due_ms) return set(w, w.due_ms);
  ask(w, now_ms);
}

/// Notice what others have made of a home since it was last looked at. Whom an operator brings up while his silence lasts is let alone until he has answered.
void Health::look(Watch& w, const assign::Home& home, std::uint64_t now_ms) {
  const bool is_asked = rules_.is_enabled && home.is_probed && !home.is_local && home.state != assign::HomeState::removed;
  const bool is_up_by_hand = w.state == assign::HomeState::down && assign::is_up(home.state) && w.pulse.seen() == Seen::down;
  if (w.state == assign::HomeState::removed && home.state != assign::HomeState::removed) w.added_ms = now_ms;
  if (is_asked != w.is_asked || home.address != w.address || is_up_by_hand) {
    w.pulse = Pulse(home.state == assign::HomeState::down, now_ms);
    w.is_open = false;
  }
  w.is_asked = is_asked;
  w.address = home.address;
  w.state = home.state;
}

void Health::ask(Watch& w, std::uint64_t now_ms) {
  w.due_ms = now_ms + rules_.interval_ms;
  w.began_ms = now_ms;
  w.began_us = base::monotonic_us();
  const auto probe = prober_->ask({.kind = Probed::Kind::home, .number = w.home}, w.address);
  if (!probe) {
    counters_.probes_unsent.add(1);   // our want, and nothing about the home
    return set(w, w.due_ms);
  }
  counters_.probes_sent.add(1);
  w.probe = *probe;
  w.is_open = true;
  set(w, now_ms + rules_.timeout_ms);
}

void Health::take(nic::Packet p, std::uint64_t now_ms) {
  counters_.probe_answers.add(1);
  const auto answer = prober_->take(p);
  if (!answer) return;
  if (answer->whom.kind == Probed::Kind::edge) return edges_.answered(answer->whom.number, answer->serial, answer->status, now_ms);
  if (answer->whom.number >= watches_.size()) return;
  Watch& w = watches_[answer->whom.number];
  if (w.is_open && w.probe == answer->serial) answered(w, answer->status, commons_.site.read(), now_ms);
}

void Health::answered(Watch& w, std::uint16_t status, const site::Site& site, std::uint64_t now_ms) {
  look(w, site.homes[w.home], now_ms);
  if (!std::exchange(w.is_open, false)) return;
  counters_.probes_answered.add(1);
  if (is_alive(status, w.state))
    w.pulse.beat(rules_, static_cast<std::uint32_t>(base::monotonic_us() - w.began_us), now_ms);
  else
    w.pulse.miss(rules_, now_ms);
  changed_.push_back(&w);
  set(w, w.due_ms);
}

void Health::doubt(assign::HomeIndex home) {
  if (home >= watches_.size() || !watches_[home].is_asked) return;
  Watch& w = watches_[home];
  w.pulse.doubt(ticked_ms_);
  const std::uint64_t due_ms = std::max(ticked_ms_, w.began_ms + rules_.timeout_ms);
  if (due_ms >= w.due_ms) return;
  w.due_ms = due_ms;
  if (!w.is_open) set(w, due_ms);
}

/// How many look dead, of those of which something is known. This node lives, and who is down by hand is in nobody's way.
void Health::take_census(const site::Site& site) {
  std::size_t known = 0, dead = 0;
  for (const Watch& w : watches_) {
    const assign::Home& home = site.homes[w.home];
    const bool is_out = home.state == assign::HomeState::removed || (home.state == assign::HomeState::down && !home.restores);
    if (is_out || (!home.is_local && (!w.is_asked || w.pulse.seen() == Seen::unknown))) continue;
    ++known;
    dead += !home.is_local && w.pulse.looks_dead();
  }
  const bool is_frozen = dead > 1 && dead * 5 > known;
  is_frozen_.store(is_frozen, std::memory_order_relaxed);
  if (is_frozen) frozen_last_ms_.store(ticked_ms_, std::memory_order_relaxed);
  const bool is_panic = dead * 2 > known;
  if (is_panicking_.exchange(is_panic, std::memory_order_relaxed) == is_panic) return;
  const std::string counts = std::to_string(dead) + " of " + std::to_string(known) + " homes look dead";
  attendant_->warn(is_panic ? std::string("health: ").append(counts).append(": this node's own network is the likelier cause, so no home is taken down")
                            : std::string("health: only ").append(counts).append(" now: homes are taken down again"));
}

void Health::conclude(Watch& w, const site::Site& site) {
  const assign::Home& home = site.homes[w.home];
  if (!w.is_asked) return;
  const std::string count = std::to_string(w.pulse.in_a_row());
  if (w.pulse.seen() == Seen::down && assign::is_in_service(home.state) && !is_panicking())
    attendant_->take_down(w.home, home.name, std::string(count).append(" probes in a row without a sign of life"));
  else if (w.pulse.seen() == Seen::up && home.restores)
    attendant_->give_back(w.home, home.name, std::string(count).append(" probes in a row answered"));
}

void Health::let_return(const site::Site& site, std::uint64_t now_ms) {
  let_return_ms_ = now_ms;
  std::vector<Returned> returned;
  for (Watch& w : watches_) {
    if (site.homes[w.home].state != assign::HomeState::returning) {
      w.returning_ms = 0;
      continue;
    }
    if (w.returning_ms == 0) w.returning_ms = now_ms;
    const std::uint64_t passed_ms = now_ms - w.returning_ms, whole_ms = std::uint64_t{1000} * rules_.slow_start_s;
    constexpr std::uint64_t first = assign::returned_percent_first, all = assign::returned_percent_all;
    const std::uint64_t percent = passed_ms >= whole_ms ? all : first + (all - first) * passed_ms / whole_ms;
    returned.push_back({.home = w.home, .percent = static_cast<std::uint8_t>(percent)});
  }
  if (!returned.empty()) attendant_->let_return(std::move(returned));
}

const Pulse* Health::pulse(assign::HomeIndex home) const { return home < watches_.size() && watches_[home].is_asked ? &watches_[home].pulse : nullptr; }

double Health::slow_start_ratio(assign::HomeIndex home) const {
  constexpr double all = assign::returned_percent_all, first = assign::returned_percent_first / all;
  const assign::Home& h = commons_.site.read().homes[home];
  if (h.state == assign::HomeState::returning) return h.returned_percent / all;
  if (home >= watches_.size() || watches_[home].added_ms == 0 || rules_.slow_start_s == 0) return 1;
  return std::min(1.0, first + (1 - first) * static_cast<double>(ticked_ms_ - watches_[home].added_ms) / (1000.0 * rules_.slow_start_s));
}

}  // namespace viaduct::control
