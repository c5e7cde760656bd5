// SPDX-License-Identifier: Apache-2.0
// A registrar shard and telephones that register there: what a worker does is done before the clock starts, what the shard does is timed.
#pragma once
#include <functional>
#include <string>

#include "load/stand.h"
#include "load/telephone.h"

namespace viaduct::bench {

/// What a measurement came to: seconds of the shard's CPU, and what it did in them.
struct Timed {
  double seconds{};
  std::uint64_t received{}, answered{}, challenged{};
  Timed& operator+=(const Timed& t);
  [[nodiscard]] double answered_per_s() const { return static_cast<double>(answered) / seconds; }
};

/// Whether a telephone shows that it knows its password.
enum class Proof { none, digest };

class Traffic {
 public:
  /// Users 0 to users - 1, none of whom is registered or has to prove anything, and four times as many strangers. The shard is the calling thread's, on `cpu`;
  /// one more core waits on `worker_cpu`.
  Traffic(std::uint32_t users, unsigned cpu, unsigned worker_cpu);
  /// From now on all have to, by SHA-256.
  void ask_for_passwords();

  /// A user's next REGISTER, as a worker hands it over; each is another transaction. A nonce lasts a minute: `renew` takes another.
  [[nodiscard]] nic::Packet next(std::uint32_t user, Proof proof = Proof::none);
  void renew();
  /// Users up to `end` are registered no more; untimed.
  void remove(std::uint32_t first, std::uint32_t end);
  /// The shard's rounds, timed, until nothing is left in its ring or `rounds_max` are over.
  Timed poll(std::size_t rounds_max = SIZE_MAX);
  /// As many REGISTERs, of users of whom `user` says the next. A shard's ring is full half-way at the most.
  Timed run(std::size_t count, const std::function<std::uint32_t()>& user, Proof proof = Proof::none);

  [[nodiscard]] Stand& stand() { return stand_; }
  [[nodiscard]] std::uint32_t users() const { return users_; }
  [[nodiscard]] std::uint32_t strangers() const { return static_cast<std::uint32_t>(keys_.size()) - users_; }
  [[nodiscard]] const sip::ClientKey& key_of(std::uint32_t user) const { return keys_[user]; }

 private:
  std::uint32_t users_;
  std::vector<sip::ClientKey> keys_;
  Stand stand_;
  registrar::Registrar registrar_;
  Telephone plain_, proving_;
  registrar::Authenticator* authenticator_{};
  std::string text_, nonce_;
  std::uint64_t serial_{};
};

}  // namespace viaduct::bench
