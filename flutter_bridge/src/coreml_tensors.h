// Between the runtime's tensors and Core ML's arrays and pixel buffers. Objective-C++ only.
#pragma once

#import <CoreML/CoreML.h>

#include <string>

#include "manifest.h"
#include "tensor.h"

namespace lp {

// Throws Error(LP_ERROR_ENGINE); `where` names the graph.
[[noreturn]] void fail_in_coreml(const char* what, const std::string& where,
                                 const std::string& got);

std::string text_of(NSError* error);
NSString* string_of(const std::string& text);

// A uint8 output is not a tensor but a pixel buffer (docs/decisions/0077).
bool is_image(const TensorSpec& spec);

MLMultiArrayDataType array_type(const TensorSpec& spec, const std::string& path);

// An input over a tensor's own memory, which must outlive it.
MLMultiArray* array_over(Tensor& tensor, const TensorSpec& spec, const std::string& path);

// Copy an output into a tensor of the declared type and shape; anything else is an error.
void copy_output(MLFeatureValue* value, const TensorSpec& spec, Tensor& to,
                 const std::string& path);

}  // namespace lp
