// ONNX Runtime behind the engine interface.

#include <map>

#include "engine.h"
#include "error.h"
#include "execution_providers.h"
#include "onnxruntime_library.h"
#include "processors.h"

namespace lp {
namespace {

std::string first_line(const char* text) {
  const std::string whole(text);
  return whole.substr(0, whole.find('\n'));
}

ONNXTensorElementDataType onnx_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case ElementType::kFloat16:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16;
    case ElementType::kInt32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    case ElementType::kInt64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    case ElementType::kUint8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

Ort::SessionOptions session_options(unsigned threads) {
  Ort::SessionOptions options;
  options.SetLogSeverityLevel(ORT_LOGGING_LEVEL_FATAL);
  options.SetIntraOpNumThreads(static_cast<int>(threads));
  options.SetInterOpNumThreads(1);
  options.SetExecutionMode(ORT_SEQUENTIAL);
  // Several graphs run in turn: idle threads of one must not spin while the next one works.
  options.AddConfigEntry("session.force_spinning_stop", "1");
  return options;
}

class OnnxRuntimeBoundGraph : public BoundGraph {
 public:
  OnnxRuntimeBoundGraph(Ort::Session& session, const GraphFile& graph,
                        const std::vector<Tensor*>& inputs, const std::vector<Tensor*>& outputs)
      : session_(session), path_(graph.path) {
    add(graph.inputs, inputs, input_names_, inputs_);
    add(graph.outputs, outputs, output_names_, outputs_);
  }

  void run() override {
    try {
      session_.Run(run_options_, input_names_.data(), inputs_.data(), inputs_.size(),
                   output_names_.data(), outputs_.data(), outputs_.size());
    } catch (const Ort::Exception& error) {
      throw Error(LP_ERROR_ENGINE, {"ONNX Runtime failed while running a graph.", path_, "",
                                    first_line(error.what())});
    }
  }

 private:
  static void add(const std::vector<TensorSpec>& specs, const std::vector<Tensor*>& tensors,
                  std::vector<const char*>& names, std::vector<Ort::Value>& values) {
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    for (std::size_t i = 0; i < specs.size(); ++i) {
      Tensor& tensor = *tensors[i];
      names.push_back(specs[i].name.c_str());
      values.push_back(Ort::Value::CreateTensor(memory, tensor.data(), tensor.size_bytes(),
                                                tensor.shape().data(), tensor.shape().size(),
                                                onnx_type(tensor.type())));
    }
  }

  Ort::Session& session_;
  std::string path_;
  Ort::RunOptions run_options_;
  std::vector<const char*> input_names_;
  std::vector<const char*> output_names_;
  std::vector<Ort::Value> inputs_;
  std::vector<Ort::Value> outputs_;
};

// "name: type shape" of every tensor, sorted, so that two lists compare as texts.
std::string describe_declared(std::vector<TensorSpec> specs) {
  std::map<std::string, std::string> lines;
  for (const TensorSpec& spec : specs) {
    lines[spec.name] = std::to_string(onnx_type(spec.dtype)) + " " + describe(spec.shape);
  }
  std::string text;
  for (const auto& [name, line] : lines) text += name + ": " + line + "; ";
  return text;
}

class OnnxRuntimeGraph : public LoadedGraph {
 public:
  OnnxRuntimeGraph(const std::string& path, const GraphFile& graph,
                   const Ort::SessionOptions& options)
      : graph_(graph), session_(onnxruntime_environment(), path.c_str(), options) {
    check(graph.inputs, session_.GetInputCount(), true);
    check(graph.outputs, session_.GetOutputCount(), false);
  }

  std::unique_ptr<BoundGraph> bind(const std::vector<Tensor*>& inputs,
                                   const std::vector<Tensor*>& outputs) override {
    return std::make_unique<OnnxRuntimeBoundGraph>(session_, graph_, inputs, outputs);
  }

 private:
  // A graph that disagrees with the manifest would write past our tensors.
  void check(const std::vector<TensorSpec>& specs, std::size_t count, bool inputs) {
    Ort::AllocatorWithDefaultOptions allocator;
    std::map<std::string, std::string> lines;
    for (std::size_t i = 0; i < count; ++i) {
      const auto name = inputs ? session_.GetInputNameAllocated(i, allocator)
                               : session_.GetOutputNameAllocated(i, allocator);
      const Ort::TypeInfo type =
          inputs ? session_.GetInputTypeInfo(i) : session_.GetOutputTypeInfo(i);
      if (type.GetONNXType() != ONNX_TYPE_TENSOR) {
        lines[name.get()] = "not a tensor";
        continue;
      }
      const auto info = type.GetTensorTypeAndShapeInfo();
      lines[name.get()] = std::to_string(info.GetElementType()) + " " + describe(info.GetShape());
    }
    std::string found;
    for (const auto& [name, line] : lines) found += name + ": " + line + "; ";
    const std::string declared = describe_declared(specs);
    if (found != declared) {
      throw Error(LP_ERROR_ENGINE, {"A graph's tensors are not those that the manifest lists.",
                                    graph_.path + (inputs ? ": inputs" : ": outputs") +
                                        " (name: ONNX element type, shape)",
                                    declared, found, "build the bundle again"});
    }
  }

  GraphFile graph_;
  Ort::Session session_;
};

class OnnxRuntimeEngine : public Engine {
 public:
  explicit OnnxRuntimeEngine(const EngineOptions& options)
      : version_("onnxruntime " + load_onnxruntime(options.library)),
        threads_(engine_threads(options.thread_count)),
        options_(session_options(threads_)),
        provider_(append_execution_provider(options_, options.execution_providers,
                                            options.is_provider_required, threads_)) {
    version_ += " (" + provider_.name + ")";
  }

  std::string version() const override { return version_; }
  std::string execution_provider() const override { return provider_.name; }
  std::vector<std::string> notes() const override { return provider_.notes; }

  std::unique_ptr<LoadedGraph> load(const std::string& path, const GraphFile& graph) override {
    try {
      return std::make_unique<OnnxRuntimeGraph>(path, graph, options_);
    } catch (const Ort::Exception& error) {
      throw Error(LP_ERROR_ENGINE,
                  {"ONNX Runtime cannot load a graph.", graph.path,
                   "a graph that " + version_ + " runs", first_line(error.what()),
                   "run `lp-pack verify`; if the file is intact, update ONNX Runtime"});
    }
  }

 private:
  std::string version_;
  unsigned threads_;
  Ort::SessionOptions options_;
  ChosenProvider provider_;
};

}  // namespace

std::unique_ptr<Engine> make_onnxruntime_engine(const EngineOptions& options) {
  return std::make_unique<OnnxRuntimeEngine>(options);
}

}  // namespace lp
