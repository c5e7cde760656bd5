// SPDX-License-Identifier: Apache-2.0
// Probes and what follows from them. A probe is a non-INVITE transaction without retransmissions: the next one repeats the question.
#include "viaduct/control/health.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "attendant.h"
#include "viaduct/base/check.h"
#include "viaduct/sip/probe.h"
#include "viaduct/sip/token.h"

namespace viaduct::control {
namespace {

constexpr std::uint64_t let_return_every_ms = 1'000;
/// Homes that are looked at in one tick: 25,600 a second.
constexpr std::size_t wakes_a_tick = 256;
constexpr std::uint32_t cseq = 1;                            // each probe is a call of its own
constexpr unsigned number_bits = 48;                         // of a probe, in the id of its branch; above them is the home
constexpr std::uint64_t number_mask = (std::uint64_t{1} << number_bits) - 1;

template <typename Unit>
std::uint64_t since_start(auto time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Unit>(time.time_since_epoch()).count());
}
std::uint64_t monotonic_us() { return since_start<std::chrono::microseconds>(std::chrono::steady_clock::now()); }

std::uint64_t id_of(assign::HomeIndex home, std::uint64_t probe) { return std::uint64_t{home} << number_bits | probe; }

/// When in an interval a home is asked: spread evenly, however many there are.
std::uint64_t offset_ms(assign::HomeIndex home, std::uint64_t interval_ms) {
  return (home * std::uint64_t{0x9e3779b9} & 0xffff'ffff) * interval_ms >> 32;   // by the golden ratio
}

/// Any final response is a sign of life but those that say: not now, and not in time. A draining home may say so and still serve whom it has.
bool is_alive(std::uint16_t status, assign::HomeState state) { return status != 408 && (status != 503 || state == assign::HomeState::draining); }

std::string_view text_of(nic::Packet p) {
  const auto& frame = p.note<site::Note>().frame;
  return {reinterpret_cast<const char*>(p.data()) + frame.payload_offset, frame.payload_bytes};
}

}  // namespace

// Numbers begin where those of no earlier run can have been, so that none of its answers is taken for one of ours.
Health::Health(site::Commons& commons, site::Wire& wire, const config::Health& rules)
    : commons_(commons), wire_(wire), rules_(rules), probes_(since_start<std::chrono::microseconds>(std::chrono::system_clock::now())) {}

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
  ask(w, site, now_ms);
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

void Health::ask(Watch& w, const site::Site& site, std::uint64_t now_ms) {
  w.due_ms = now_ms + rules_.interval_ms;
  w.began_ms = now_ms;
  w.began_us = monotonic_us();
  w.probe = ++probes_ & number_mask;
  if (!send(w, site)) {
    counters_.probes_unsent.add(1);   // our want, and nothing about the home
    return set(w, w.due_ms);
  }
  counters_.probes_sent.add(1);
  w.is_open = true;
  set(w, now_ms + rules_.timeout_ms);
}

bool Health::send(const Watch& w, const site::Site& site) {
  const site::Listener* const from = site.egress(w.address.address, commons_.neighbours.read().next_hop(w.address.address).link);
  if (from == nullptr) return false;
  const std::uint64_t id = id_of(w.home, w.probe);
  const sip::BranchText branch = sip::branch_text(sip::own_branch({.id = id, .sender = sip::control_sender}, cseq, site.keys));
  std::array<char, sip::base32_64_bytes> letters;
  sip::write_base32(id, letters);
  const std::string_view number{letters.data(), letters.size()};
  const std::string here = from->host + ':' + std::to_string(from->endpoint.port);
  const std::string uri = std::string("sip:").append(w.address.text());
  std::string via = std::string("SIP/2.0/UDP ").append(here);
  via.append(";branch=").append(branch.data(), branch.size()).append(";rport");
  std::array<char, 1024> room;
  const std::size_t bytes = sip::write_probe({.request_uri = uri,
                                              .via = via,
                                              .from = std::string("sip:").append(here),
                                              .from_tag = number,
                                              .call_id = std::string(number).append(1, '@').append(from->host),
                                              .cseq = cseq},
                                             room);
  base::check(bytes != 0, "a probe fits");
  return wire_.post(*from, w.address, {room.data(), bytes});
}

void Health::take(nic::Packet p, std::uint64_t now_ms) {
  counters_.probe_answers.add(1);
  const site::Site& site = commons_.site.read();
  static_cast<void>(sip::index(text_of(p), message_));  // a fault stays in the message
  const auto own = sip::verify_own_branch(message_.top.branch, message_.cseq_number, site.keys);
  const std::uint64_t home = own ? own->id >> number_bits : watches_.size();
  if (home < watches_.size() && message_.status >= 200) {
    Watch& w = watches_[home];
    if (w.is_open && w.probe == (own->id & number_mask)) answered(w, site, now_ms);
  }
  nic::free(p);
}

void Health::answered(Watch& w, const site::Site& site, std::uint64_t now_ms) {
  look(w, site.homes[w.home], now_ms);
  if (!std::exchange(w.is_open, false)) return;
  counters_.probes_answered.add(1);
  if (is_alive(message_.status, w.state))
    w.pulse.beat(rules_, static_cast<std::uint32_t>(monotonic_us() - w.began_us), now_ms);
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
