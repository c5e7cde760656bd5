// SPDX-License-Identifier: Apache-2.0
// The order in which limits are asked: what everybody passes first costs one cache line; who is a friend is asked only of those who are over.
#include "limiter.h"

#include <sys/random.h>

#include <algorithm>
#include <bit>

#include "viaduct/base/check.h"

namespace viaduct::edge {
namespace {

using base::Drop;

std::uint64_t random_octets() {
  std::uint64_t out = 0;
  base::check(getrandom(&out, sizeof out, 0) == static_cast<ssize_t>(sizeof out), "random octets from the system");
  return out;
}

// Octets of the 128-bit form that count, as a mask of a word as it stands in memory.
std::uint64_t mask(unsigned bits) { return bits == 0 ? 0 : std::byteswap(~std::uint64_t{0} << (64 - std::min(bits, 64U))); }

std::uint32_t seconds(std::uint64_t ns) { return static_cast<std::uint32_t>(ns / 1'000'000'000); }

}  // namespace

Limiter::Limiter(std::size_t sources, site::Welcome& welcome)
    : welcome_(welcome), random_(random_octets() | 1), sources_(sources), clients_(sources), replies_(sources), strangers_(1) {}

void Limiter::begin(const Site& site, std::uint64_t now_ns) {
  site_ = &site;
  now_ns_ = now_ns;
}

std::uint64_t Limiter::key_of(const base::Address& source) const {
  const unsigned bits = source.is_v4() ? site_->limits.source_bits_v4 : site_->limits.source_bits_v6;
  const auto words = source.words();
  const std::array<std::uint64_t, 2> prefix = {words[0] & mask(bits), words[1] & mask(bits > 64 ? bits - 64 : 0)};
  return base::siphash64(welcome_.secret(), {reinterpret_cast<const char*>(prefix.data()), sizeof prefix});
}

bool Limiter::is_friend(const base::Address& source) const {
  return site_->homes.is_home_host(source) || site::any_contains(site_->limits.friends, source) || site::any_contains(site_->edges, source);
}

void Limiter::look(Job& job) {
  job.source_key = key_of(job.subject.source.address);
  sources_.prefetch(job.source_key);
  if (site_->limits.strangers.is_set()) welcome_.prefetch(job.source_key);
}

void Limiter::look_for_client(const Job& job) const {
  if (job.subject.has_client) clients_.prefetch(key_of(job.subject.client));
}

std::optional<Drop> Limiter::hinder_source(const Job& job) {
  const site::Limits& limits = site_->limits;
  const base::Address& source = job.subject.source.address;
  if (limits.source.is_set() && !sources_.take(job.source_key, 1, limits.source, now_ns_) && !is_friend(source)) return Drop::source_over_limit;
  if (!limits.strangers.is_set() || welcome_.keeps(job.source_key, seconds(now_ns_)) || is_friend(source)) return std::nullopt;
  if (!strangers_.take(0, 1, limits.strangers, now_ns_)) return Drop::strangers_over_limit;
  return std::nullopt;
}

// Whoever names a client in his requests uses up the client's bucket; those who have shown who they are pass also when it is empty.
std::optional<Drop> Limiter::hinder_client(const Job& job) {
  const Subject& s = job.subject;
  if (!site_->limits.client.is_set() || !s.has_client || s.msg.method == sip::Method::ack) return std::nullopt;
  if (clients_.take(key_of(s.client), 1, site_->limits.client, now_ns_)) return std::nullopt;
  if (welcome_.keeps(job.source_key, seconds(now_ns_)) || is_friend(s.source.address)) return std::nullopt;
  return Drop::client_over_limit;
}

bool Limiter::may_answer(const Job& job, std::size_t bytes) {
  return replies_.take(job.source_key, bytes, site_->limits.reply, now_ns_) || is_friend(job.subject.source.address);
}

void Limiter::welcome(const base::Endpoint& source) { welcome_.keep(key_of(source.address), seconds(now_ns_ + base::welcome_ns)); }

// xorshift64 (Marsaglia 2003): nobody gains by foreseeing it.
std::uint8_t Limiter::retry_after_s() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return static_cast<std::uint8_t>(base::retry_after_s_min + (random_ >> 32) % (base::retry_after_s_max - base::retry_after_s_min + 1));
}

}  // namespace viaduct::edge
