// Reads safetensors files: a JSON header, then raw little-endian tensors.
#pragma once

#include <map>
#include <string>

#include "tensor.h"

namespace lp {

// All tensors of the file by name. Throws Error(LP_ERROR_BUNDLE) when it is damaged, or holds an
// element type that bundles do not use.
std::map<std::string, Tensor> read_safetensors(const std::string& path);

}  // namespace lp
