// Golden cases: does this device compute what torch computed when the bundle was built?
#pragma once

#include <string>
#include <vector>

#include "bundle.h"
#include "executor.h"

namespace lp {

// How well one recorded tensor was reproduced.
struct GoldenFigure {
  std::string golden_case;
  // A graph's name, or "pipeline".
  std::string graph;
  std::string tensor;
  std::string threshold;
  double bound;
  double worst;
  double mean;
  double max_abs;
  std::int64_t frames;
  bool passed;
};

// Replay every golden case with graphs of this variant. Throws Error(LP_ERROR_BUNDLE) when golden
// data are missing or damaged, Error(LP_ERROR_ENGINE) when a graph does not run.
std::vector<GoldenFigure> self_check(const Bundle& bundle, const Variant& variant,
                                     LoadedGraphs& graphs);

}  // namespace lp
