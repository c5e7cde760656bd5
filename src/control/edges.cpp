// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/edges.h"

#include <algorithm>
#include <utility>

#include "prober.h"
#include "viaduct/base/clocks.h"
#include "viaduct/control/health.h"

namespace viaduct::control {

void Edges::set(std::vector<std::optional<base::Endpoint>> asked, std::uint64_t now_ms) {
  watches_.resize(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i)
    if (watches_[i].address != asked[i])
      watches_[i] = {.address = asked[i], .known = {.pulse = Pulse(false, now_ms)}, .due_ms = now_ms + rules_.interval_ms * i / asked.size()};
}

void Edges::tick(std::uint64_t now_ms) {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    Watch& w = watches_[i];
    if (!w.address || now_ms < w.due_ms) continue;
    if (std::exchange(w.is_open, false)) {
      counters_.edge_probes_timed_out.add(1);
      w.known.pulse.miss(rules_, now_ms);
      w.due_ms = now_ms + (rules_.interval_ms - rules_.timeout_ms);
    } else {
      ask(w, static_cast<std::uint16_t>(i), now_ms);
    }
  }
}

void Edges::ask(Watch& w, std::uint16_t number, std::uint64_t now_ms) {
  w.began_us = base::monotonic_us();
  w.due_ms = now_ms + rules_.interval_ms;
  const auto serial = prober_.ask({.kind = Probed::Kind::edge, .number = number}, *w.address);
  if (!serial) return counters_.probes_unsent.add(1);   // our want, and nothing about the edge
  counters_.edge_probes_sent.add(1);
  w.serial = *serial;
  w.is_open = true;
  w.due_ms = now_ms + rules_.timeout_ms;
}

void Edges::answered(std::uint16_t number, std::uint64_t serial, std::uint16_t status, std::uint64_t now_ms) {
  if (number >= watches_.size()) return;
  Watch& w = watches_[number];
  if (!w.is_open || w.serial != serial) return;
  w.is_open = false;
  counters_.edge_probes_answered.add(1);
  const std::uint64_t took_us = base::monotonic_us() - w.began_us;
  w.due_ms = now_ms + (rules_.interval_ms - std::min<std::uint64_t>(took_us / 1000, rules_.interval_ms));
  w.known.is_draining = status == 503;
  if (status == 408)   // a proxy on the way speaks for who is not there
    w.known.pulse.miss(rules_, now_ms);
  else
    w.known.pulse.beat(rules_, static_cast<std::uint32_t>(took_us), now_ms);
}

std::vector<std::optional<EdgePulse>> Edges::pulses() const {
  std::vector<std::optional<EdgePulse>> out;
  for (const Watch& w : watches_) out.push_back(w.address ? std::optional(w.known) : std::nullopt);
  return out;
}

}  // namespace viaduct::control
