// SPDX-License-Identifier: Apache-2.0
// The names of what a plan can be, and what a step came to.
#include "viaduct/migration/plan.h"

#include <algorithm>

#include "viaduct/base/check.h"

namespace viaduct::migration {
namespace {

/// Both times are whole seconds, and what a REGISTER was on its way for is not counted either.
constexpr std::uint64_t doubt_s = 2;

}  // namespace

std::string_view name(PlanState s) {
  switch (s) {
    case PlanState::proposed:
      return "proposed";
    case PlanState::running:
      return "running";
    case PlanState::paused:
      return "paused";
    case PlanState::done:
      return "done";
    case PlanState::aborted:
      return "aborted";
  }
  base::fail("a state of a plan without a name");
}

std::string_view name(MoveMode m) {
  switch (m) {
    case MoveMode::lazy:
      return "lazy";
    case MoveMode::paced:
      return "paced";
    case MoveMode::evacuate:
      return "evacuate";
  }
  base::fail("a mode of moving without a name");
}

bool is_sticky(const Step& step, std::optional<std::uint32_t> registered_ago_s, std::uint64_t now_s) {
  return !step.is_confirmed && registered_ago_s && step.set_out_s + doubt_s <= now_s - std::min<std::uint64_t>(now_s, *registered_ago_s);
}

}  // namespace viaduct::migration
