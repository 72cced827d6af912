// How far two versions of one frame's tensor are apart (lp_runtime/metrics.py).
#pragma once

#include <cstddef>
#include <vector>

#include "manifest.h"

namespace lp {

struct Agreement {
  // In the threshold's metric; the worst frame. NaN counts as the worst there is.
  double worst;
  double mean;
  double max_abs;
};

// `expected` and `got` hold `frames` rows of `size` numbers. `parts` divides a row for
// Metric::kRangeFraction; empty: the row is one part.
Agreement measure(const Threshold& threshold, const std::vector<float>& expected,
                  const std::vector<float>& got, std::size_t frames, std::size_t size,
                  const std::vector<MotionPart>& parts);

bool meets(const Threshold& threshold, double worst);

}  // namespace lp
