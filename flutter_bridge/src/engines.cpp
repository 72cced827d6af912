#include "engine.h"
#include "error.h"

namespace lp {
namespace {

struct Entry {
  const char* target;
  std::unique_ptr<Engine> (*make)(const EngineOptions&);
};

// In the order in which they are tried where the caller names no target.
constexpr Entry kEngines[] = {
    {"onnx", make_onnxruntime_engine},
#if defined(__APPLE__)
    {"coreml", make_coreml_engine},
#endif
    {"tflite", make_litert_engine},
};

}  // namespace

std::vector<std::string> engine_targets() {
  std::vector<std::string> targets;
  for (const Entry& entry : kEngines) targets.push_back(entry.target);
  return targets;
}

std::unique_ptr<Engine> make_engine(const std::string& target, const EngineOptions& options) {
  std::string known;
  for (const Entry& entry : kEngines) {
    if (target == entry.target) return entry.make(options);
    known += (known.empty() ? "" : ", ") + std::string(entry.target);
  }
  const bool is_coreml = target == "coreml";
  throw Error(LP_ERROR_UNSUPPORTED,
              {"No engine of this library runs the target '" + target + "'.", "", known,
               is_coreml ? "coreml, which Apple's systems alone run" : target,
               "choose another target of the bundle"});
}

}  // namespace lp
