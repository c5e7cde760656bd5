// SPDX-License-Identifier: Apache-2.0
// Who was redirected, and what came of it: the guard that keeps a client from being sent round in circles, and what is learned of who follows a redirect.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "viaduct/sip/token.h"

namespace viaduct::edge {

/// What a User-Agent begins with, up to its version: clients of one make behave alike.
using AgentClass = std::uint64_t;

/// The class of a User-Agent value; 0 when there is none. Shape: `readable_end` is the end of what may be read, at or behind the value's.
[[nodiscard]] AgentClass agent_class(std::string_view user_agent, const char* readable_end);

/// Redirects remembered for base::redirect_kept_ms, by client and device. Set-associative, oldest out: a forgotten one costs one redirect more, never a wrong
/// answer. One a worker, and the packets of one flow come to one worker. Thread: its worker's.
class Followers {
 public:
  /// Shape: `redirects_kept` is rounded up to a power of two of at least one set. Memory: 16 octets each, and 64 KiB for classes, taken here.
  explicit Followers(std::size_t redirects_kept);

  /// A REGISTER that might be redirected.
  struct Register {
    base::Hash128 client;
    std::uint32_t call{};          ///< hash of the Call-ID and the agent: the device
    std::uint32_t transaction{};   ///< hash of Call-ID, CSeq number, top Via branch, From tag
    std::uint32_t cseq{};
    bool teaches{true};            ///< false: it is only guarded, and nothing is learned
    AgentClass agent{};
  };

  void prefetch(const base::Hash128& client) const { __builtin_prefetch(&set_of(client)); }

  /// What is known of a client before he is answered.
  enum class Standing : std::uint8_t {
    unknown,        ///< nothing
    follows,        ///< this device, or its class and nobody of it failed, went where a redirect sent it
    never_follows   ///< he, or his class, does not follow
  };
  /// Learn from a REGISTER, and say what is known of its client. `learned`: 1 when this showed that a client follows, -1 that he does not, else 0.
  struct Heard {
    Standing standing{};
    bool is_repeated{};        ///< it is a retransmission of one that was redirected
    bool came_back{};          ///< within base::redirect_guard_ms of a redirect, with another transaction
    std::int8_t learned{};
    std::uint32_t place{};     ///< where it is remembered, or the oldest is
  };
  /// In line, so that its parts are read as they were written: a register that is put together from octets just stored makes a core wait.
  [[nodiscard]] [[gnu::always_inline]] Heard hear(const Register& r, std::uint32_t clock_ms) {
    Heard out;
    hear(r, clock_ms, out);
    return out;
  }
  /// Remember that a REGISTER just heard is redirected now.
  void redirected(const Register& r, const Heard& heard, std::uint32_t clock_ms);

 private:
  enum class Known : std::uint16_t { nothing, follows, never_follows };
  /// One client's device. Times are in seconds or so, CSeq numbers the low bits: what matters is how far apart two are.
  struct Entry {
    std::uint32_t client{};
    std::uint32_t call{};
    std::uint32_t transaction{};
    std::uint16_t at{};   // 0: free
    std::uint16_t cseq_and_known{};

    static constexpr unsigned cseq_bits = 14;
    [[nodiscard]] std::uint32_t cseq() const { return cseq_and_known & ((1U << cseq_bits) - 1); }
    [[nodiscard]] Known known() const { return static_cast<Known>(cseq_and_known >> cseq_bits); }
    void set(std::uint32_t number, Known what) {
      cseq_and_known = static_cast<std::uint16_t>((number & ((1U << cseq_bits) - 1)) | static_cast<std::uint32_t>(what) << cseq_bits);
    }
  };
  static_assert(sizeof(Entry) == 16);
  static constexpr std::size_t ways = 4;
  struct alignas(64) Set {
    Entry entries[ways];
  };
  struct Class {
    std::uint32_t tag{};
    std::uint16_t failed{};
    std::uint16_t followed{};
  };
  static constexpr std::size_t classes_count = 8192;

  [[nodiscard]] Set& set_of(const base::Hash128& client) const { return sets_[client.low & set_mask_]; }
  [[nodiscard]] Class& class_of(AgentClass agent);
  [[nodiscard]] Standing standing_of(AgentClass agent) const;
  void hear(const Register& r, std::uint32_t clock_ms, Heard& out);
  [[gnu::noinline]] void learn_from(Entry& e, const Register& r, std::uint16_t now, Heard& out);
  void learn(Entry& entry, AgentClass agent, Known known);

  std::size_t set_mask_;
  std::unique_ptr<Set[]> sets_;
  std::unique_ptr<Class[]> classes_;
};

}  // namespace viaduct::edge
