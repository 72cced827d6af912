#include "engine.h"
#include "error.h"

namespace lp {
namespace {

struct Entry {
  const char* target;
  std::unique_ptr<Engine> (*make)(const EngineOptions&);
};

constexpr Entry kEngines[] = {{"onnx", make_onnxruntime_engine}};

}  // namespace

bool runs_target(const std::string& target) {
  for (const Entry& entry : kEngines) {
    if (target == entry.target) return true;
  }
  return false;
}

std::unique_ptr<Engine> make_engine(const std::string& target, const EngineOptions& options) {
  for (const Entry& entry : kEngines) {
    if (target == entry.target) return entry.make(options);
  }
  throw Error(LP_ERROR_UNSUPPORTED, {"No engine of this library runs the target '" + target + "'.",
                                     "", "onnx", target, "choose another target of the bundle"});
}

}  // namespace lp
