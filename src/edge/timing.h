// SPDX-License-Identifier: Apache-2.0
// How long homes take to answer: some requests carry the time at which they left, and their answers bring it back to whichever worker gets them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "viaduct/sip/message.h"
#include "viaduct/site/load.h"

namespace viaduct::edge {

/// Which requests are timed: in one worker. Thread: its worker's.
class Marking {
 public:
  explicit Marking(const site::Load& load) : secret_(load.mark_secret) {}
  /// Of a request that leaves for a home: the mark for its Via, or 0, as of most.
  [[nodiscard, gnu::always_inline]] std::uint64_t mark(const sip::Message& request) {
    if (--until_mark_ != 0) [[likely]]
      return 0;
    return mark_now(request);
  }

 private:
  [[nodiscard]] std::uint64_t mark_now(const sip::Message& request);
  std::uint64_t secret_;
  std::uint64_t random_{0x9e3779b97f4a7c15U};
  std::uint32_t until_mark_{base::requests_a_mark};
};

/// What answers say: in one worker, by which all answers of a home pass that are alike. Thread: its worker's.
class Timing {
 public:
  explicit Timing(const site::Load& load) : secret_(load.mark_secret) {}
  /// How long ago the request of a home's answer left, microseconds: of the first answer that the home itself gives, and only when the request was marked.
  [[nodiscard]] std::optional<std::uint64_t> elapsed_us(const sip::Message& response);

 private:
  std::uint64_t secret_;
  std::array<std::uint64_t, base::marks_remembered> heard_{};   // by hash: an answer that is repeated has the mark of the first
};

}  // namespace viaduct::edge
