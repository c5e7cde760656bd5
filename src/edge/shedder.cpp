// SPDX-License-Identifier: Apache-2.0
#include "shedder.h"

#include <algorithm>

#include "viaduct/sip/rare.h"

namespace viaduct::edge {
namespace {

constexpr std::size_t homes_limited_at_once = 4096;   // of more, those that owe least are let go of
constexpr std::uint64_t bursts_a_second = 10, at_once_min = 16;

bool is_emergency(const sip::Message& m) {
  constexpr std::string_view emergency = "emergency";
  const auto same_letter = [](char x, char y) { return (x | 0x20) == y; };
  sip::RareLines lines(m, "priority");
  std::string_view value;
  while (lines.next(value))
    if (std::ranges::equal(value, emergency, same_letter)) return true;
  return false;
}

// Of four parts of what may come at once.
std::uint64_t parts(Importance i) { return 1 + static_cast<std::uint64_t>(i); }

}  // namespace

Importance importance(const sip::Message& m) {
  if (m.to_tag.bytes != 0) return Importance::none;
  switch (m.method) {
    case sip::Method::ack:
    case sip::Method::bye:
    case sip::Method::cancel:
    case sip::Method::prack:
    case sip::Method::update:
    case sip::Method::info:
    case sip::Method::notify:
      return Importance::none;
    case sip::Method::register_:
      return is_emergency(m) ? Importance::none : Importance::second;
    case sip::Method::invite:
      return is_emergency(m) ? Importance::none : Importance::last;
    case sip::Method::options:
    case sip::Method::subscribe:
    case sip::Method::publish:
    case sip::Method::message:
    case sip::Method::refer:
    case sip::Method::other:
      break;
  }
  return is_emergency(m) ? Importance::none : Importance::first;
}

Shedder::Shedder(unsigned workers) : workers_(workers), homes_(homes_limited_at_once) {}

bool Shedder::is_too_much(const Job& job, const Site& site, std::uint64_t now_ns) {
  const Judgement& j = job.judgement;
  const bool goes_there = j.verdict == base::Verdict::proxied || j.verdict == base::Verdict::redirected;
  if (!goes_there || j.home == assign::no_home) return false;
  const std::uint32_t max_per_s = site.homes[j.home].max_per_s;
  if (max_per_s == 0) return false;
  const Importance matters = importance(job.subject.msg);
  if (matters == Importance::none) return false;
  const std::uint64_t share = std::max<std::uint64_t>(1, max_per_s / workers_);
  site::Rate rate = site::rate(share, std::max(share / bursts_a_second, at_once_min));
  rate.capacity_ns = rate.capacity_ns / 4 * parts(matters);
  return !homes_.take(j.home, 1, rate, now_ns);
}

}  // namespace viaduct::edge
