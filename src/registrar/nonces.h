// SPDX-License-Identifier: Apache-2.0
// Nonces that prove themselves, and which of them were answered: what has been seen on the wire is of no use to anybody a second time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/base/hash.h"
#include "viaduct/sip/token.h"

namespace viaduct::registrar {

/// Answers to nonces that a shard remembers before it forgets the earlier half, whose nonces then are too old: at 17,000 a second those of a minute, at
/// 400,000 still those of two seconds.
inline constexpr std::size_t nonce_uses_max = std::size_t{1} << 20;

/// Seconds of a monotonic clock, the number of the nonce, and a MAC over these and the source's address.
inline constexpr std::size_t nonce_bytes = 2 * sip::base32_32_bytes + sip::base32_64_bytes;

/// Each is another, and good for one address and for what has made it: never after a restart. Memory: 32 to 64 octets for each answer of the last
/// two minutes, up to 64 MB. Thread: one.
class Nonces {
 public:
  explicit Nonces(std::size_t uses_max = nonce_uses_max);
  /// For who asks from there.
  void write(const base::Address& source, std::uint32_t now_s, std::span<char, nonce_bytes> out);

  /// Who answers a nonce: `request` is a hash of all that he asks for, the same when he repeats it.
  struct Answer {
    std::string_view nonce, nonce_count;
    base::Address source;
    base::Hash128 client;
    std::uint64_t request{};
  };
  enum class Use : std::uint8_t {
    stale,      ///< too old, of another address or run, or answered with that count by another request
    first,
    repeated,   ///< the same request again
    undone      ///< the same again of one that came to nothing, or whose outcome was never noted
  };
  /// Shape: the answer is right, and its texts are from a request. Source: RFC 7616 3.3, 3.4 (nc), 5.5.
  [[nodiscard]] Use take(const Answer& answer, std::uint32_t now_s);
  /// The request that was taken last has done what it asked for.
  void note_done();
  [[nodiscard]] std::size_t bytes() const { return (present_.slots.size() + past_.slots.size()) * sizeof(Slot); }

 private:
  /// Shape: key 0 is no slot's own; a power of two of them, half of them free.
  struct Slot {
    std::uint64_t key{};       // hash of client, nonce and count
    std::uint64_t request{};   // the lowest bit: it is done
  };
  struct Uses {
    explicit Uses(std::size_t expected);
    [[nodiscard]] Slot& at(std::uint64_t key);
    Slot& add(std::uint64_t key);
    std::vector<Slot> slots;
    std::size_t count{};
  };
  [[nodiscard]] std::uint64_t mac(std::uint64_t number, const base::Address& source) const;
  [[nodiscard]] std::uint64_t number_of(std::string_view nonce, const base::Address& source) const;
  void turn(std::uint32_t now_s);

  base::Key128 key_;
  std::size_t uses_max_;
  std::uint64_t last_{};        // number of the nonce made last: seconds, and a count below them
  std::uint64_t floor_{};       // what was made up to that one is stale: its uses are forgotten
  std::uint64_t past_last_{};   // the nonce made last when past_ was closed
  std::uint32_t began_s_{};     // present_
  Uses present_, past_;
  Slot* latest_{};              // of present_ or past_, or none
};

}  // namespace viaduct::registrar
