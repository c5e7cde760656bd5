// SPDX-License-Identifier: Apache-2.0
// The names of what a plan can be.
#include "viaduct/migration/plan.h"

#include "viaduct/base/check.h"

namespace viaduct::migration {

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

}  // namespace viaduct::migration
