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

void set_clock(Step& step, std::int64_t ahead_s, std::uint64_t now_s) {
  const auto set_back = [&step](std::int64_t by_s) {
    for (std::uint64_t* time : {&step.set_out_s, &step.deadline_s, &step.both_until_s, &step.rests_until_s})
      if (*time != 0) *time = static_cast<std::uint64_t>(std::max<std::int64_t>(static_cast<std::int64_t>(*time) - by_s, 1));
  };
  set_back(ahead_s);
  if (step.set_out_s > now_s) set_back(static_cast<std::int64_t>(step.set_out_s - now_s));
}

bool is_sticky(const Step& step, std::optional<std::uint32_t> registered_ago_s, std::uint64_t now_s) {
  return !step.is_confirmed && registered_ago_s && step.set_out_s + doubt_s <= now_s - std::min<std::uint64_t>(now_s, *registered_ago_s);
}

}  // namespace viaduct::migration
