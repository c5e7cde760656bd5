// SPDX-License-Identifier: Apache-2.0
// From a judgement to octets: the text of an answer of ours, or the edits of a message that travels on. Pure.
#pragma once
#include <cstdint>
#include <span>

#include "viaduct/edge/judge.h"
#include "viaduct/sip/edit.h"
#include "viaduct/sip/forward.h"
#include "viaduct/site/site.h"

namespace viaduct::edge {

/// What a redirect or a forward tells the home about the decision.
struct Stamp {
  std::uint32_t epoch{};     ///< of the assignment
  std::uint32_t now_min{};   ///< minutes since 1970
};

/// The answer to a request judged redirected, answered or rejected, with the To tag `tag`.
/// Returns octets written into `out`; 0 when it would not fit, or would exceed the request by more than base::reply_growth_bytes_max
/// (an answer of status 300 and above), or three times the request (a 2xx).
/// Thread: any; pure. Source: RFC 3261 8.2.6, 21.3.3.
[[nodiscard]] std::size_t compose_answer(const Subject& subject, const Judgement& judgement, const Site& site, const Stamp& stamp, std::uint64_t tag,
                                         std::span<char> out);

/// A request judged proxied, to leave through that listener, changed at once in its own buffer when it is of the usual shape: returns it as it stands then.
/// Empty: nothing is changed, and `out` has the edits. Shape: as sip::forward_in_place. `branch`: of our Via. `mark`: for our Via of a request to a home
/// (sip/mark.h); 0: none.
[[nodiscard]] std::span<char> compose_in_place(const Subject& subject, const Judgement& judgement, const Site& site, const Stamp& stamp,
                                               const Listener& through, const sip::Branch& branch, const sip::Room& room, sip::Edits& out,
                                               std::uint64_t mark = 0);

/// The same edits, without a mark, where there is no buffer to change. Thread: any; pure. Source: RFC 3261 16.6, 16.11.
void compose_edits(const Subject& subject, const Judgement& judgement, const Site& site, const Stamp& stamp, const Listener& through, const sip::Branch& branch,
                   sip::Edits& out);

}  // namespace viaduct::edge
