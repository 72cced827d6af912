#include <doctest/doctest.h>

#include "plan.h"

namespace {

lp::Pipeline pipeline() {
  lp::Pipeline result{};
  result.states = {{"memory", "next_memory", lp::ElementType::kFloat32, {1}, {0.0}}};
  result.steps = {
      {"hear", {{"a", "pcm"}, {"b", "memory"}}, {{"c", "motion"}, {"d", "next_memory"}}},
      {"pose", {{"a", "motion"}}, {{"b", "keypoints"}}},
      {"draw", {{"a", "keypoints"}}, {{"b", "frame"}}},
  };
  return result;
}

std::vector<std::string> graphs(const lp::Plan& plan) {
  std::vector<std::string> names;
  for (const lp::Step* step : plan.steps) names.push_back(step->graph);
  return names;
}

}  // namespace

TEST_CASE("everything that the frame depends on, in order") {
  const lp::Pipeline p = pipeline();
  const lp::Plan plan = lp::make_plan(p, {"pcm"}, {"frame"}, false);
  CHECK(graphs(plan) == std::vector<std::string>{"hear", "pose", "draw"});
  CHECK(plan.needed == std::set<std::string>{"memory"});
  CHECK(plan.advanced.size() == 1);
}

TEST_CASE("a fed value skips the steps that make it, and their state stays") {
  const lp::Pipeline p = pipeline();
  const lp::Plan plan = lp::make_plan(p, {"motion"}, {"frame"}, false);
  CHECK(graphs(plan) == std::vector<std::string>{"pose", "draw"});
  CHECK(plan.needed.empty());
  CHECK(plan.advanced.empty());
}

TEST_CASE("a late frame runs only what carries state") {
  const lp::Pipeline p = pipeline();
  const lp::Plan plan = lp::make_plan(p, {"pcm"}, {}, true);
  CHECK(graphs(plan) == std::vector<std::string>{"hear"});
}
