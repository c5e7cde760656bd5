// SPDX-License-Identifier: Apache-2.0
// What each worker tells of the load: exact counts by home, and samples of whose requests they were. Summing and judging is control/monitor.h's.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "viaduct/assign/rendezvous.h"
#include "viaduct/base/limits.h"
#include "viaduct/share/counters.h"
#include "viaduct/share/slots.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/uri.h"
#include "viaduct/site/overload.h"

namespace viaduct::site {

// One row a kind of request: enumerator, its name for the operator, and what one weighs against a REGISTER.
#define VIADUCT_KINDS(X)       \
  X(register_, "REGISTER", 1)  \
  X(invite, "INVITE", 5)       \
  X(subscribe, "SUBSCRIBE", 2) \
  X(publish, "PUBLISH", 2)     \
  X(message, "MESSAGE", 1)     \
  X(other, "other", 1)

enum class Kind : std::uint8_t {
#define X(name, token, weight) name,
  VIADUCT_KINDS(X)
#undef X
};
inline constexpr std::array kind_names = {
#define X(name, token, weight) std::string_view{token},
    VIADUCT_KINDS(X)
#undef X
};
inline constexpr std::array kind_weights = {
#define X(name, token, weight) std::uint8_t{weight},
    VIADUCT_KINDS(X)
#undef X
};
inline constexpr std::size_t kinds_count = kind_names.size();
/// 1xx to 6xx.
inline constexpr std::size_t response_classes_count = 6;

[[nodiscard]] constexpr Kind kind_of(sip::Method method) {
  switch (method) {
    case sip::Method::register_:
      return Kind::register_;
    case sip::Method::invite:
      return Kind::invite;
    case sip::Method::subscribe:
      return Kind::subscribe;
    case sip::Method::publish:
      return Kind::publish;
    case sip::Method::message:
      return Kind::message;
    case sip::Method::other:
    case sip::Method::ack:
    case sip::Method::bye:
    case sip::Method::cancel:
    case sip::Method::info:
    case sip::Method::notify:
    case sip::Method::options:
    case sip::Method::prack:
    case sip::Method::refer:
    case sip::Method::update:
      break;
  }
  return Kind::other;
}

/// Classes of how long a home took: the first below 64 us, each of the others twice as long as the one before; the last from 17 s on.
inline constexpr std::size_t answer_times_count = 20;
[[nodiscard]] constexpr std::size_t answer_time_class(std::uint64_t us) {
  return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(us >> 6)), answer_times_count - 1);
}
/// Where a class begins, us.
[[nodiscard]] constexpr std::uint64_t answer_time_us(std::size_t c) { return c == 0 ? 0 : std::uint64_t{64} << (c - 1); }

/// What one worker has had to do with one home: one line for what went there, one for what came back, three for how long that took.
struct alignas(64) HomeTally {
  std::array<share::Counter, kinds_count> requests;   ///< by Kind: sent there, handed to the registrar here, or redirected there (a REGISTER of that home)
  share::Counter shed;         ///< requests that were refused in its place, since it gets as many as the operator lets go there or as it has asked for
  share::Counter shed_asked;   ///< of these: since it has asked for fewer
  alignas(64) std::array<share::Counter, response_classes_count> responses;   ///< by class: came from its address, and were passed on
  alignas(64) std::array<share::Counter, answer_times_count> answer_times;   ///< of some of them, by answer_time_class
};
static_assert(sizeof(HomeTally) == 320);

/// The same as plain numbers, of all workers.
struct HomeSums {
  std::array<std::uint64_t, kinds_count> requests{};
  std::array<std::uint64_t, response_classes_count> responses{};
  std::uint64_t shed{}, shed_asked{};
  std::array<std::uint64_t, answer_times_count> answer_times{};
};

/// One worker's tallies by home; they never move. Thread: `cover` the control core, `of` the worker, `find` any.
class Tallies {
 public:
  Tallies() = default;
  ~Tallies();
  Tallies(const Tallies&) = delete;
  Tallies& operator=(const Tallies&) = delete;

  /// Make room for so many homes. Before a site with them is published.
  void cover(std::size_t homes);
  /// Shape: a home that is covered.
  [[nodiscard]] HomeTally& of(assign::HomeIndex home) { return pieces_[home / piece_homes].load(std::memory_order_relaxed)[home % piece_homes]; }
  /// nullptr of a home that is not covered. Acquire: pairs with the release in `cover`.
  [[nodiscard]] const HomeTally* find(assign::HomeIndex home) const {
    const HomeTally* const piece = pieces_[home / piece_homes].load(std::memory_order_acquire);
    return piece != nullptr ? piece + home % piece_homes : nullptr;
  }

 private:
  static constexpr std::size_t piece_homes = 256;   // 80 KiB
  std::array<std::atomic<HomeTally*>, base::homes_max / piece_homes + 1> pieces_{};
};

/// One request of a client, as it was judged.
struct Sample {
  sip::ClientKey client;
  assign::HomeIndex home{assign::no_home};   ///< where it went: the effective home
  Kind kind{};
  std::uint32_t stands_for{};                ///< requests, itself among them: one in so many is sampled
  std::uint16_t uri_bytes{};                 ///< 0: longer than is kept
  std::array<char, base::sample_uri_bytes_max> uri;   ///< what names the client in it, as it stands there

  [[nodiscard]] std::string_view uri_text() const { return {uri.data(), uri_bytes}; }
};

/// What one worker tells. Writer: that worker; the control core empties `samples`.
struct alignas(64) WorkerLoad {
  Tallies tallies;
  share::Slots<Sample> samples{base::samples_kept};
  share::Counter samples_lost;   ///< that the queue had no room for
};

/// What all workers tell.
class Load {
 public:
  /// Memory: some 0.3 MB a worker, and 320 octets a worker and home.
  Load(unsigned workers, std::size_t homes);

  [[nodiscard]] WorkerLoad& worker(unsigned index) { return *workers_[index]; }
  [[nodiscard]] unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
  /// Before a site with so many homes is published. Thread: the control core.
  void cover(std::size_t homes);
  /// Exact; each counter as it was a moment ago. Thread: any.
  [[nodiscard]] HomeSums sums(assign::HomeIndex home) const;
  /// One request in so many is sampled. Writer: the control core; relaxed, nothing hangs on its order.
  std::atomic<std::uint32_t> one_in{1};
  /// Hides the times in marks, and tells this process's from others.
  const std::uint64_t mark_secret;
  /// What homes ask for.
  Overloads overloads;

 private:
  std::vector<std::unique_ptr<WorkerLoad>> workers_;
};

}  // namespace viaduct::site
