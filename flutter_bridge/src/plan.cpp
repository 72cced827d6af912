#include "plan.h"

#include <algorithm>

namespace lp {
namespace {

// Walk backwards from the targets.
Plan steps_for(const Pipeline& pipeline, const std::set<std::string>& fed,
               const std::set<std::string>& targets) {
  Plan plan;
  for (const std::string& target : targets) {
    if (fed.count(target) == 0) plan.needed.insert(target);
  }
  for (auto step = pipeline.steps.rbegin(); step != pipeline.steps.rend(); ++step) {
    const bool wanted = std::any_of(step->outputs.begin(), step->outputs.end(),
                                    [&](const auto& o) { return plan.needed.count(o.second) > 0; });
    if (!wanted) continue;
    plan.steps.push_back(&*step);
    for (const auto& [tensor, value] : step->outputs) plan.needed.erase(value);
    for (const auto& [tensor, value] : step->inputs) {
      if (fed.count(value) == 0) plan.needed.insert(value);
    }
  }
  std::reverse(plan.steps.begin(), plan.steps.end());
  return plan;
}

}  // namespace

Plan make_plan(const Pipeline& pipeline, const std::set<std::string>& fed,
               const std::set<std::string>& wanted, bool advance_all) {
  std::set<std::string> targets = wanted;
  if (advance_all) {
    for (const State& state : pipeline.states) targets.insert(state.next_value);
  }
  while (true) {
    Plan plan = steps_for(pipeline, fed, targets);
    const std::size_t before = targets.size();
    for (const State& state : pipeline.states) {
      if (plan.needed.count(state.value) > 0 || (advance_all && fed.count(state.value) == 0)) {
        plan.advanced.push_back(&state);
        targets.insert(state.next_value);
      }
    }
    if (targets.size() == before) return plan;
  }
}

}  // namespace lp
