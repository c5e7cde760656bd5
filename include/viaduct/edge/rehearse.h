// SPDX-License-Identifier: Apache-2.0
// What the path would do with a message: the same judging and composing on a text, with nothing received and nothing sent.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "viaduct/assign/assignment.h"
#include "viaduct/assign/moves.h"
#include "viaduct/edge/judge.h"
#include "viaduct/screen/screener.h"
#include "viaduct/site/neighbours.h"

namespace viaduct::edge {

struct Rehearsal {
  Judgement judgement;
  std::optional<sip::ClientKey> client;   ///< whose placement was looked up, if anybody's
  assign::Placement placement;
  base::Endpoint next;   ///< where a response goes that is returned
  std::string bytes;   ///< the answer, or the message as it would travel on; empty when nothing would be sent
};

/// Who lives where, where the clients of this node are (null: nobody is registered), who moves and who is watched here (null: nobody), and the ways to others
/// (null: any). Shape: as a reader of each, or its writer; who is watched only each shard's own core may ask, so that it comes as an answer.
struct Tables {
  const assign::Assignment& assignment;
  const assign::Locations* locations{};
  const assign::Moves* moves{};
  const site::Neighbours* neighbours{};
  std::function<bool(const sip::ClientKey&)> is_watched;
};

/// Where a message comes from and to, when nobody says.
struct Arrival {
  base::Endpoint source;
  const Listener* listener;  ///< of the source's IP version, where there is one
};
/// An address of `sources` (empty: any) for which there is a listener: the `number`th of those for documentation (RFC 5737, RFC 3849) where they hold it.
[[nodiscard]] Arrival rehearsed_arrival(const Site& site, std::span<const base::Prefix> sources, std::uint8_t number);

/// Shape: `source` sent `text` to `listener`. The redirect guard is not asked: a rehearsal remembers nothing.
[[nodiscard]] Rehearsal rehearse(std::string_view text, const base::Endpoint& source, const Listener& listener, const Site& site, const Tables& tables,
                                 std::uint32_t now_min);

/// What the screening rules say of a message from `source`.
struct Screened {
  bool is_asked{};  ///< false: a response, a keep-alive, or too broken to be read
  screen::Outcome outcome;
};
[[nodiscard]] Screened rehearse_screening(std::string_view text, const base::Address& source, const screen::Rules& rules, screen::Screener& screener);

}  // namespace viaduct::edge
