// What an inference engine must do. One file per engine implements it; engines.cpp lists them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "manifest.h"
#include "tensor.h"

namespace lp {

struct EngineOptions {
  // Empty: the engine's usual places are searched.
  std::string library;
  // "cpu", "xnnpack", "coreml" or "nnapi", most wanted first; the first that the engine has is
  // used, or else the processor.
  std::vector<std::string> execution_providers;
  // The engine must have the first of them.
  bool is_provider_required = false;
  // 0: the processors this process may use, 8 at most.
  unsigned thread_count = 0;
};

// A graph whose tensors are tied to fixed memory, so that a run allocates nothing on our side.
class BoundGraph {
 public:
  virtual ~BoundGraph() = default;
  // Reads the input tensors, writes the output tensors. Throws Error(LP_ERROR_ENGINE).
  virtual void run() = 0;
};

class LoadedGraph {
 public:
  virtual ~LoadedGraph() = default;
  // Tensors in the order of GraphFile::inputs and ::outputs, of the declared types and shapes. They
  // must outlive the result. May be called several times; results may run at the same time.
  virtual std::unique_ptr<BoundGraph> bind(const std::vector<Tensor*>& inputs,
                                           const std::vector<Tensor*>& outputs) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // E.g. "onnxruntime 1.31.1 (cpu)".
  virtual std::string version() const = 0;
  // Which of EngineOptions::execution_providers it is.
  virtual std::string execution_provider() const = 0;
  // What did not go as wanted, a sentence each.
  virtual std::vector<std::string> notes() const = 0;
  // Open the file or folder `path`, whose tensors the manifest says are `graph`'s.
  virtual std::unique_ptr<LoadedGraph> load(const std::string& path, const GraphFile& graph) = 0;
};

// The targets ("onnx", ...) that this build has an engine for, preferred ones first.
std::vector<std::string> engine_targets();

// Throws Error(LP_ERROR_ENGINE_ABSENT, _TOO_OLD or LP_ERROR_UNSUPPORTED).
std::unique_ptr<Engine> make_engine(const std::string& target, const EngineOptions& options);

// Each engine's own constructor, for engines.cpp. Core ML's is there on Apple systems only.
std::unique_ptr<Engine> make_onnxruntime_engine(const EngineOptions& options);
std::unique_ptr<Engine> make_coreml_engine(const EngineOptions& options);
std::unique_ptr<Engine> make_litert_engine(const EngineOptions& options);

}  // namespace lp
