// Which steps of a pipeline must run for the values that are wanted (lp_runtime/plan.py).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "manifest.h"

namespace lp {

struct Plan {
  std::vector<const Step*> steps;
  // Values that must be supplied: inputs and states that the steps read.
  std::set<std::string> needed;
  // States that move on.
  std::vector<const State*> advanced;
};

// The fewest steps that make `wanted` when the values `fed` are supplied. A state that a running
// step reads advances with it; with `advance_all` every state does. The plan points into
// `pipeline`. Every wanted value must exist.
Plan make_plan(const Pipeline& pipeline, const std::set<std::string>& fed,
               const std::set<std::string>& wanted, bool advance_all);

}  // namespace lp
