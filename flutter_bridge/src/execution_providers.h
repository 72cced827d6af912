// Which part of ONNX Runtime runs the graphs: the processor, or an accelerator's provider.
#pragma once

#include <string>
#include <vector>

#include "onnxruntime_library.h"

namespace lp {

struct ChosenProvider {
  // "cpu", "xnnpack", "coreml" or "nnapi".
  std::string name;
  // Why others that were wanted more are not used, a sentence each.
  std::vector<std::string> notes;
};

// Add the first of `wanted` that this ONNX Runtime has; the processor is always there and the last
// resort. Throws Error(LP_ERROR_UNSUPPORTED) for a name that does not exist and, with
// `must_be_first`, when the first of them is not there.
ChosenProvider append_execution_provider(Ort::SessionOptions& options,
                                         const std::vector<std::string>& wanted,
                                         bool must_be_first, unsigned thread_count);

}  // namespace lp
