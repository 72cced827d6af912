#include "onnxruntime_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <mutex>

#include "error.h"

namespace lp {
namespace {

#if defined(__APPLE__)
constexpr const char* kUsualName = "libonnxruntime.dylib";
#else
constexpr const char* kUsualName = "libonnxruntime.so";
#endif

using GetApiBase = const OrtApiBase*(ORT_API_CALL*)();

struct Library {
  void* handle = nullptr;
  GetApiBase entry = nullptr;
};

std::mutex g_mutex;
Library g_loaded;
std::string g_version;

GetApiBase entry_point(void* library) {
  return reinterpret_cast<GetApiBase>(dlsym(library, "OrtGetApiBase"));
}

[[noreturn]] void absent(const std::string& place, const char* reason) {
  throw Error(LP_ERROR_ENGINE_ABSENT,
              {"ONNX Runtime's library cannot be loaded.", place,
               "the library of a release since " + std::to_string(ORT_API_VERSION) + " (1." +
                   std::to_string(ORT_API_VERSION) + ")",
               reason == nullptr ? "no such library" : reason,
               "ship libonnxruntime with the app, or give its path as engine_library or in "
               "LP_ONNXRUNTIME_LIBRARY"});
}

Library open_library(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) absent(path, dlerror());
  const GetApiBase found = entry_point(library);
  if (found == nullptr) {
    dlclose(library);
    absent(path, "a library without OrtGetApiBase");
  }
  // Never closed on success: ONNX Runtime's threads and our objects live in it.
  return {library, found};
}

Library find_library(const std::string& path) {
  if (!path.empty()) return open_library(path);
  const char* from_environment = std::getenv("LP_ONNXRUNTIME_LIBRARY");
  if (from_environment != nullptr && *from_environment != '\0') {
    return open_library(from_environment);
  }
  // On iOS the engine is linked into the app.
  if (const GetApiBase found = entry_point(RTLD_DEFAULT)) return {RTLD_DEFAULT, found};
  return open_library(kUsualName);
}

}  // namespace

std::string load_onnxruntime(const std::string& path) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  const bool is_loaded = g_loaded.entry != nullptr;
  if (is_loaded && path.empty()) return g_version;
  const Library found = find_library(path);
  if (g_loaded.entry == found.entry) return g_version;
  const OrtApiBase* base = found.entry();
  const std::string version = base->GetVersionString();
  if (is_loaded) {
    throw Error(LP_ERROR_ENGINE_ABSENT, {"This process already uses another ONNX Runtime.", path,
                                         "one engine per process, here " + g_version, version,
                                         "leave engine_library empty, or open with it first"});
  }
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    throw Error(LP_ERROR_ENGINE_TOO_OLD, {"ONNX Runtime is too old for this library.", path,
                                          "1." + std::to_string(ORT_API_VERSION) + " or newer",
                                          version, "ship a newer libonnxruntime"});
  }
  Ort::InitApi(api);
  g_loaded = found;
  g_version = version;
  return g_version;
}

void* onnxruntime_symbol(const char* name) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  return dlsym(g_loaded.handle, name);
}

Ort::Env& onnxruntime_environment() {
  // Never destroyed: at exit other threads may still be inside the library.
  static auto* const environment = new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "lp_bridge");
  return *environment;
}

}  // namespace lp
