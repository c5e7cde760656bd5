// SPDX-License-Identifier: Apache-2.0
// Who was redirected within the last 32 seconds: the guard that keeps a client from being sent round in circles. One a worker, bounded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "viaduct/sip/token.h"

namespace viaduct::edge {

/// Set-associative, oldest out: a forgotten entry costs one redirect more, never a wrong answer. Thread: its worker's.
class Guard {
 public:
  /// Shape: `entries` is rounded up to a power of two of at least one set. Memory: 16 octets an entry, taken here.
  explicit Guard(std::size_t entries);

  /// What a redirect is remembered by: `session` is (client key, Call-ID), `transaction` is (Call-ID, CSeq number, top Via branch, From tag).
  struct Key {
    std::uint64_t session{};
    std::uint64_t transaction{};
  };
  [[nodiscard]] static Key key(const base::Hash128& client, const sip::Marks& marks) { return {client.low ^ marks.call, marks.reply_tag}; }

  void prefetch(const Key& key) const { __builtin_prefetch(&sets_[key.session & set_mask_]); }

  /// True when the redirect may be sent: nothing remembered of the session for base::redirect_guard_ms, or the very same transaction
  /// (a retransmission). Remembers it. False: the client came back with another transaction, and is to be proxied.
  [[nodiscard]] bool admits(const Key& key, std::uint32_t clock_ms);

 private:
  struct Entry {
    std::uint64_t session{};
    std::uint32_t transaction{};
    std::uint32_t at_ms{};   // 0: free
  };
  static constexpr std::size_t ways = 4;
  struct alignas(64) Set {
    Entry entries[ways];
  };
  std::size_t set_mask_;
  std::unique_ptr<Set[]> sets_;
};

}  // namespace viaduct::edge
