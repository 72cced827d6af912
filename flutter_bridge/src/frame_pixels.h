// From the pipeline's frame value to 8-bit pixels (lp_runtime/frames.py).
#pragma once

#include "consistency.h"
#include "picture.h"
#include "tensor.h"

namespace lp {

class FramePixels {
 public:
  FramePixels(const FrameFormat& format, const ValueSpec& spec);

  // `picture` has the frame's size. Floats are rounded to nearest and clamped; NaN becomes 0.
  void convert(const Tensor& frame, Picture& picture);

 private:
  const float* as_floats(const Tensor& frame);

  bool planar_;
  std::size_t pixels_;
  float gain_;
  float offset_;
  // Used only when the graph's frame is not float32.
  std::vector<float> staging_;
};

}  // namespace lp
