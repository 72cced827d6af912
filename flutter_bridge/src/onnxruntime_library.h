// ONNX Runtime's shared library, found and opened at run time: one binary of ours then serves
// every release that is at least as new as the headers it was compiled with.
#pragma once

#include <string>

// The wrapper's own initialisation would link against the library.
#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>

namespace lp {

// Open the library (see lp_open_options.engine_library) and initialise the C++ wrapper. The first
// library that fits stays for the life of the process. Thread-safe. Returns its version.
// Throws Error(LP_ERROR_ENGINE_ABSENT or LP_ERROR_ENGINE_TOO_OLD).
std::string load_onnxruntime(const std::string& path);

// A function that only some builds of the library export; null where this one does not.
void* onnxruntime_symbol(const char* name);

// The one environment of this process; load_onnxruntime must have succeeded.
Ort::Env& onnxruntime_environment();

}  // namespace lp
