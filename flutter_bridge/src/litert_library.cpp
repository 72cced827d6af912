#include "litert_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>

#include "error.h"

namespace lp {
namespace {

#if defined(__APPLE__)
constexpr const char* kUsualName = "libLiteRt.dylib";
#else
constexpr const char* kUsualName = "libLiteRt.so";
#endif
// Exported by every release since 2.0, and by one that this file fits: models belong to an
// environment since the release that brought the second.
constexpr const char* kAnySymbol = "LiteRtCreateCompiledModel";
constexpr const char* kNewestSymbol = "LiteRtCreateModelFromFd";

// An option of the environment: its number, and a tagged value of 16 bytes.
struct EnvironmentOption {
  std::int32_t tag;
  std::int32_t reserved;
  std::int32_t type;
  std::int32_t reserved_too;
  std::int64_t value;
};
constexpr std::int32_t kAcceleratorsToLoad = 24;
constexpr std::int32_t kMinimumLogSeverity = 25;
constexpr std::int32_t kInteger = 2;
constexpr std::int64_t kProcessorOnly = 1;
constexpr std::int64_t kErrorsOnly = 3;

std::mutex g_mutex;
void* g_library = nullptr;
LiteRtFunctions g_functions = {};
LiteRtEnvironmentHandle* g_environment = nullptr;

[[noreturn]] void absent(const std::string& place, const char* reason) {
  throw Error(LP_ERROR_ENGINE_ABSENT,
              {"LiteRT's library cannot be loaded.", place, "the library of LiteRT 2.3 or newer",
               reason == nullptr ? "no such library" : reason,
               "ship libLiteRt with the app, or give its path as engine_library or in "
               "LP_LITERT_LIBRARY"});
}

// Also where it is linked into the app: then the place is the process itself.
void* find_library(const std::string& path, std::string& place) {
  place = path;
  const char* from_environment = std::getenv("LP_LITERT_LIBRARY");
  if (place.empty() && from_environment != nullptr) place = from_environment;
  if (place.empty() && dlsym(RTLD_DEFAULT, kAnySymbol) != nullptr) {
    place = "this process";
    return RTLD_DEFAULT;
  }
  if (place.empty()) place = kUsualName;
  void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) absent(place, dlerror());
  return library;
}

template <typename Function>
void find(void* library, const std::string& place, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function != nullptr) return;
  throw Error(LP_ERROR_ENGINE_TOO_OLD,
              {"LiteRT is too old, or too new, for this library.", place,
               "LiteRT 2.3, which this library was tested with", std::string("no ") + name,
               "ship libLiteRt of LiteRT 2.3"});
}

LiteRtFunctions find_functions(void* library, const std::string& place) {
  LiteRtFunctions all = {};
  void* newest = nullptr;
  find(library, place, kNewestSymbol, newest);
  const auto get = [&](const char* name, auto& function) { find(library, place, name, function); };
  get("LiteRtCreateEnvironment", all.create_environment);
  get("LiteRtCreateModelFromBuffer", all.create_model_from_buffer);
  get("LiteRtDestroyModel", all.destroy_model);
  get("LiteRtGetNumModelSignatures", all.get_num_model_signatures);
  get("LiteRtGetModelSignature", all.get_model_signature);
  get("LiteRtGetNumSignatureInputs", all.get_num_signature_inputs);
  get("LiteRtGetNumSignatureOutputs", all.get_num_signature_outputs);
  get("LiteRtGetSignatureInputName", all.get_signature_input_name);
  get("LiteRtGetSignatureOutputName", all.get_signature_output_name);
  get("LiteRtGetSignatureInputTensorByIndex", all.get_signature_input_tensor);
  get("LiteRtGetSignatureOutputTensorByIndex", all.get_signature_output_tensor);
  get("LiteRtGetRankedTensorType", all.get_ranked_tensor_type);
  get("LiteRtCreateOptions", all.create_options);
  get("LiteRtDestroyOptions", all.destroy_options);
  get("LiteRtSetOptionsHardwareAccelerators", all.set_hardware_accelerators);
  get("LiteRtCreateOpaqueOptions", all.create_opaque_options);
  get("LiteRtAddOpaqueOptions", all.add_opaque_options);
  get("LiteRtCreateCompiledModel", all.create_compiled_model);
  get("LiteRtDestroyCompiledModel", all.destroy_compiled_model);
  get("LiteRtGetCompiledModelInputBufferRequirements", all.get_input_requirements);
  get("LiteRtGetCompiledModelOutputBufferRequirements", all.get_output_requirements);
  get("LiteRtCreateManagedTensorBufferFromRequirements", all.create_buffer);
  get("LiteRtDestroyTensorBuffer", all.destroy_buffer);
  get("LiteRtGetTensorBufferPackedSize", all.get_buffer_size);
  get("LiteRtLockTensorBuffer", all.lock_buffer);
  get("LiteRtUnlockTensorBuffer", all.unlock_buffer);
  get("LiteRtRunCompiledModel", all.run);
  return all;
}

}  // namespace

const LiteRtFunctions& load_litert(const std::string& path) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  if (g_environment != nullptr && path.empty()) return g_functions;
  std::string place;
  void* library = find_library(path, place);
  if (dlsym(library, kAnySymbol) == nullptr) {
    dlclose(library);
    absent(place, "a library without LiteRtCreateCompiledModel");
  }
  if (g_environment != nullptr) {
    if (dlsym(library, kAnySymbol) == dlsym(g_library, kAnySymbol)) return g_functions;
    throw Error(LP_ERROR_ENGINE_ABSENT,
                {"This process already uses another LiteRT.", place, "one LiteRT per process", "",
                 "leave engine_library empty, or open with it first"});
  }
  const LiteRtFunctions functions = find_functions(library, place);
  const EnvironmentOption options[] = {{kAcceleratorsToLoad, 0, kInteger, 0, kProcessorOnly},
                                       {kMinimumLogSeverity, 0, kInteger, 0, kErrorsOnly}};
  LiteRtEnvironmentHandle* environment = nullptr;
  const int status = functions.create_environment(2, options, &environment);
  if (status != 0 || environment == nullptr) {
    throw Error(LP_ERROR_ENGINE,
                {"LiteRT cannot start.", place, "", describe_litert_status(status)});
  }
  // Never closed and never destroyed: threads and our objects live in it.
  g_library = library;
  g_functions = functions;
  g_environment = environment;
  return g_functions;
}

LiteRtEnvironmentHandle* litert_environment() {
  const std::lock_guard<std::mutex> lock(g_mutex);
  return g_environment;
}

std::string describe_litert_status(int status) {
  static constexpr struct {
    int status;
    const char* words;
  } kKnown[] = {
      {1, "invalid argument"},    {2, "out of memory"},        {3, "failure while running"},
      {4, "missing input tensor"}, {5, "unsupported"},          {6, "not found"},
      {8, "wrong version"},       {500, "file cannot be read"}, {501, "not a LiteRT file"},
      {504, "cannot be compiled"},
  };
  const std::string number = "LiteRT status " + std::to_string(status);
  for (const auto& known : kKnown) {
    if (known.status == status) return number + " (" + known.words + ")";
  }
  return number;
}

}  // namespace lp
