// SPDX-License-Identifier: Apache-2.0
#include "shedder.h"

#include <algorithm>
#include <numeric>

#include "viaduct/sip/rare.h"

namespace viaduct::edge {
namespace {

constexpr std::size_t homes_limited_at_once = 4096;   // of more, those that owe least are let go of
constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t bursts_a_second = 10, at_once_min = 16;
// RFC 7415 3.5.1: TAU is a few times T; and not less than a worker's sleep and what collects in it, or a steady stream would be cut.
constexpr std::uint64_t tau_each = 4, tau_ns_min = 20'000'000;
constexpr std::uint64_t parts_count = 4;

bool is_emergency(const sip::Message& m) {
  constexpr std::string_view emergency = "emergency";
  const auto same_letter = [](char x, char y) { return (x | 0x20) == y; };
  sip::RareLines lines(m, "priority");
  std::string_view value;
  while (lines.next(value))
    if (std::ranges::equal(value, emergency, same_letter)) return true;
  return false;
}

// Of parts_count of what may come at once.
std::uint64_t parts(Importance i) { return static_cast<std::uint64_t>(i); }

Importance kind(const sip::Message& m) {
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
      return m.has(sip::HeaderId::authorization) ? Importance::third : Importance::second;
    case sip::Method::invite:
      return Importance::last;
    case sip::Method::options:
    case sip::Method::subscribe:
    case sip::Method::publish:
    case sip::Method::message:
    case sip::Method::refer:
    case sip::Method::other:
      break;
  }
  return Importance::first;
}

}  // namespace

Importance importance(const sip::Message& m) {
  const Importance i = m.to_tag.bytes != 0 ? Importance::none : kind(m);
  return i != Importance::none && is_emergency(m) ? Importance::none : i;
}

Shedder::Shedder(unsigned workers) : workers_(workers), homes_(homes_limited_at_once), asking_(std::make_unique<Asking[]>(homes_asking_at_once)) {}

// --- what the home asks for

Shedder::Asking& Shedder::asking(assign::HomeIndex home, Importance matters) {
  Asking& a = asking_[home % homes_asking_at_once];
  if (a.home != home) a = {.home = home};
  std::uint8_t& seen = a.seen[std::to_underlying(matters)];
  if (seen == UINT8_MAX)
    for (std::uint8_t& s : a.seen) s /= 2;
  ++seen;
  return a;
}

// RFC 7339 7.2 with more than two kinds: of all requests that come, so many of a hundred are to go, which are taken from the first kind as far as it reaches, then from the next.
bool Shedder::is_lost(const Asking& a, Importance matters, std::uint32_t percent) {
  const double all = std::accumulate(a.seen.begin(), a.seen.end(), 0.0);
  double lost = all * percent / 100;
  for (std::size_t i = 1; i < std::to_underlying(matters); ++i) lost -= a.seen[i];
  random_ ^= random_ << 13;  // xorshift64: Marsaglia 2003
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<double>(random_ >> 11) * 0x1p-53 * a.seen[std::to_underlying(matters)] < lost;
}

// RFC 7415 3.5.1, 3.5.2: a leaky bucket with a threshold for each kind. What is owed when the rate changes is owed in requests, not in time.
bool Shedder::is_above(Asking& a, Importance matters, std::uint32_t a_second, std::uint64_t now_ns) const {
  if (a_second == 0) return true;
  const std::uint64_t each_ns = second_ns * workers_ / a_second;
  std::uint64_t owed_ns = a.paid_ns > now_ns ? a.paid_ns - now_ns : 0;
  if (a.each_ns != each_ns && a.each_ns != 0)
    owed_ns = static_cast<std::uint64_t>(static_cast<double>(owed_ns) / static_cast<double>(a.each_ns) * static_cast<double>(each_ns));
  a.each_ns = each_ns;
  a.paid_ns = now_ns + owed_ns;
  if (owed_ns > std::max(tau_each * each_ns, tau_ns_min) / parts_count * parts(matters)) return true;
  a.paid_ns += each_ns;
  return false;
}

// --- what the operator has set

bool Shedder::is_above_limit(assign::HomeIndex home, Importance matters, std::uint32_t max_per_s, std::uint64_t now_ns) {
  const std::uint64_t share = std::max<std::uint64_t>(1, max_per_s / workers_);
  site::Rate rate = site::rate(share, std::max(share / bursts_a_second, at_once_min));
  rate.capacity_ns = rate.capacity_ns / parts_count * parts(matters);
  return !homes_.take(home, 1, rate, now_ns);
}

Shed Shedder::look(const Job& job, const Site& site, const site::Overloads& overloads, const Moment& now) {
  const Judgement& j = job.judgement;
  const bool goes_there = j.verdict == base::Verdict::proxied || j.verdict == base::Verdict::redirected;
  if (!goes_there || j.home == assign::no_home) return Shed::no;
  const auto asked = overloads.of(j.home, now.ms);
  const std::uint32_t max_per_s = site.homes[j.home].max_per_s;
  if (!asked && max_per_s == 0) return Shed::no;
  const Importance matters = importance(job.subject.msg);
  if (asked) {
    Asking& a = asking(j.home, matters);
    if (matters == Importance::none) return Shed::no;
    const bool is_too_much = asked->algorithm == sip::OverloadAlgorithm::loss ? is_lost(a, matters, asked->value) : is_above(a, matters, asked->value, now.ns);
    if (is_too_much) return Shed::asked;
  }
  return max_per_s != 0 && matters != Importance::none && is_above_limit(j.home, matters, max_per_s, now.ns) ? Shed::limit : Shed::no;
}

}  // namespace viaduct::edge
