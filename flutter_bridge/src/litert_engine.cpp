// LiteRT behind the engine interface: its compiled models on the processor.
//
// XNNPACK may read a little past a tensor's end (XNN_EXTRA_BYTES), so the kernels get memory that
// LiteRT itself made, and a run copies in and out of it.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "engine.h"
#include "error.h"
#include "litert_library.h"
#include "mapped_file.h"
#include "processors.h"

namespace lp {
namespace {

constexpr int kProcessor = 1;
constexpr int kLockToRead = 0;
constexpr int kLockToWrite = 1;

int litert_type(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return 1;
    case ElementType::kInt32:
      return 2;
    case ElementType::kUint8:
      return 3;
    case ElementType::kInt64:
      return 4;
    case ElementType::kFloat16:
      return 10;
  }
  return 0;
}

void require_success(int status, const std::string& graph, const char* doing) {
  if (status == 0) return;
  throw Error(LP_ERROR_ENGINE,
              {std::string("LiteRT failed while ") + doing + " a graph.", graph,
               "a graph that LiteRT 2.3 runs", describe_litert_status(status),
               "run `lp-pack verify`; if the file is intact, ship a newer libLiteRt"});
}

// Owners of LiteRT's objects.
template <typename Handle>
using Owned = std::unique_ptr<Handle, void (*)(Handle*)>;

using Buffer = Owned<LiteRtBufferHandle>;

struct CompiledModel {
  const LiteRtFunctions& functions;
  MappedFile file;
  Owned<LiteRtModelHandle> model;
  Owned<LiteRtCompiledModelHandle> compiled;
  // It computes in memory of its own: one run at a time.
  std::mutex mutex;
};

// A tensor of the signature: its place, and what the file says of it.
struct Found {
  std::size_t index;
  LiteRtTensorType type;
};

std::string describe_type(int element_type, const Shape& shape) {
  return std::to_string(element_type) + " " + describe(shape);
}

class LiteRtBoundGraph : public BoundGraph {
 public:
  LiteRtBoundGraph(CompiledModel& model, std::string path)
      : model_(model), path_(std::move(path)) {}

  void add_input(const Found& found, Tensor& tensor) {
    LiteRtRequirementsHandle* requirements = nullptr;
    require_success(model_.functions.get_input_requirements(model_.compiled.get(), 0, found.index,
                                                            &requirements),
                    path_, "binding");
    inputs_.emplace_back(found.index, &tensor, make_buffer(found, requirements, tensor));
  }

  void add_output(const Found& found, Tensor& tensor) {
    LiteRtRequirementsHandle* requirements = nullptr;
    require_success(model_.functions.get_output_requirements(model_.compiled.get(), 0, found.index,
                                                             &requirements),
                    path_, "binding");
    outputs_.emplace_back(found.index, &tensor, make_buffer(found, requirements, tensor));
  }

  // After the last tensor: LiteRT wants the buffers in the order of its signature.
  void finish() {
    order(inputs_, input_handles_);
    order(outputs_, output_handles_);
  }

  void run() override {
    const std::lock_guard<std::mutex> lock(model_.mutex);
    for (const Binding& input : inputs_) copy(input, kLockToWrite);
    require_success(model_.functions.run(model_.compiled.get(), 0, input_handles_.size(),
                                         input_handles_.data(), output_handles_.size(),
                                         output_handles_.data()),
                    path_, "running");
    for (const Binding& output : outputs_) copy(output, kLockToRead);
  }

 private:
  struct Binding {
    Binding(std::size_t place, Tensor* value, Buffer memory)
        : index(place), tensor(value), buffer(std::move(memory)) {}
    std::size_t index;
    Tensor* tensor;
    Buffer buffer;
  };

  Buffer make_buffer(const Found& found, LiteRtRequirementsHandle* requirements,
                     const Tensor& tensor) {
    LiteRtBufferHandle* made = nullptr;
    require_success(
        model_.functions.create_buffer(litert_environment(), &found.type, requirements, &made),
        path_, "binding");
    Buffer buffer(made, model_.functions.destroy_buffer);
    std::size_t bytes = 0;
    require_success(model_.functions.get_buffer_size(made, &bytes), path_, "binding");
    if (bytes != tensor.size_bytes()) {
      throw Error(LP_ERROR_ENGINE, {"LiteRT stores a tensor in another form.", path_,
                                    std::to_string(tensor.size_bytes()) + " bytes",
                                    std::to_string(bytes) + " bytes"});
    }
    return buffer;
  }

  static void order(std::vector<Binding>& bindings, std::vector<LiteRtBufferHandle*>& handles) {
    handles.resize(bindings.size());
    for (const Binding& binding : bindings) handles.at(binding.index) = binding.buffer.get();
  }

  void copy(const Binding& binding, int direction) {
    void* memory = nullptr;
    require_success(model_.functions.lock_buffer(binding.buffer.get(), &memory, direction), path_,
                    "running");
    Tensor& tensor = *binding.tensor;
    if (direction == kLockToWrite) {
      std::memcpy(memory, tensor.data(), tensor.size_bytes());
    } else {
      std::memcpy(tensor.data(), memory, tensor.size_bytes());
    }
    require_success(model_.functions.unlock_buffer(binding.buffer.get()), path_, "running");
  }

  CompiledModel& model_;
  std::string path_;
  std::vector<Binding> inputs_;
  std::vector<Binding> outputs_;
  std::vector<LiteRtBufferHandle*> input_handles_;
  std::vector<LiteRtBufferHandle*> output_handles_;
};

class LiteRtGraph : public LoadedGraph {
 public:
  LiteRtGraph(const LiteRtFunctions& functions, const std::string& path, const GraphFile& graph,
              unsigned threads)
      : graph_(graph),
        model_{functions,
               MappedFile(path),
               {nullptr, functions.destroy_model},
               {nullptr, functions.destroy_compiled_model},
               {}} {
    LiteRtModelHandle* model = nullptr;
    loading(functions.create_model_from_buffer(litert_environment(), model_.file.data(),
                                               model_.file.size(), &model));
    model_.model.reset(model);
    inputs_ = tensors(true);
    outputs_ = tensors(false);
    check(graph.inputs, inputs_, "inputs");
    check(graph.outputs, outputs_, "outputs");
    compile(threads);
  }

  std::unique_ptr<BoundGraph> bind(const std::vector<Tensor*>& inputs,
                                   const std::vector<Tensor*>& outputs) override {
    auto bound = std::make_unique<LiteRtBoundGraph>(model_, graph_.path);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      bound->add_input(inputs_.at(graph_.inputs[i].name), *inputs[i]);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      bound->add_output(outputs_.at(graph_.outputs[i].name), *outputs[i]);
    }
    bound->finish();
    return bound;
  }

 private:
  using FoundTensors = std::map<std::string, Found>;

  void loading(int status) const { require_success(status, graph_.path, "loading"); }

  LiteRtSignatureHandle* signature() const {
    std::size_t count = 0;
    loading(model_.functions.get_num_model_signatures(model_.model.get(), &count));
    if (count != 1) {
      throw Error(LP_ERROR_ENGINE, {"A LiteRT graph has no signature, or several.", graph_.path,
                                    "one signature, which names the tensors",
                                    std::to_string(count), "build the bundle again"});
    }
    LiteRtSignatureHandle* found = nullptr;
    loading(model_.functions.get_model_signature(model_.model.get(), 0, &found));
    return found;
  }

  FoundTensors tensors(bool inputs) const {
    const LiteRtFunctions& lite = model_.functions;
    LiteRtSignatureHandle* owner = signature();
    std::size_t count = 0;
    loading((inputs ? lite.get_num_signature_inputs : lite.get_num_signature_outputs)(owner,
                                                                                      &count));
    FoundTensors found;
    for (std::size_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      LiteRtTensorHandle* tensor = nullptr;
      Found entry = {i, {}};
      loading((inputs ? lite.get_signature_input_name : lite.get_signature_output_name)(owner, i,
                                                                                        &name));
      loading((inputs ? lite.get_signature_input_tensor : lite.get_signature_output_tensor)(
          owner, i, &tensor));
      loading(lite.get_ranked_tensor_type(tensor, &entry.type));
      found.emplace(name, entry);
    }
    return found;
  }

  // A graph that disagrees with the manifest would write past our tensors.
  void check(const std::vector<TensorSpec>& specs, const FoundTensors& found,
             const char* side) const {
    std::map<std::string, std::string> wanted;
    for (const TensorSpec& spec : specs) {
      wanted[spec.name] = describe_type(litert_type(spec.dtype), spec.shape);
    }
    std::string expected;
    for (const auto& [name, line] : wanted) expected += name + ": " + line + "; ";
    std::string got;
    for (const auto& [name, tensor] : found) {
      const LiteRtTensorType& type = tensor.type;
      const std::size_t rank = std::min<std::size_t>(type.rank(), 8);
      got += name + ": " +
             describe_type(type.element_type, {type.dimensions, type.dimensions + rank}) + "; ";
    }
    if (got == expected) return;
    throw Error(LP_ERROR_ENGINE, {"A graph's tensors are not those that the manifest lists.",
                                  graph_.path + ": " + side +
                                      " (name: LiteRT element type, shape)",
                                  expected, got, "build the bundle again"});
  }

  void compile(unsigned threads) {
    const LiteRtFunctions& lite = model_.functions;
    LiteRtOptionsHandle* made = nullptr;
    loading(lite.create_options(&made));
    const Owned<LiteRtOptionsHandle> options(made, lite.destroy_options);
    loading(lite.set_hardware_accelerators(made, kProcessor));
    // Options of an accelerator are a text under the accelerator's name, which LiteRT then owns.
    char* text = strdup(("num_threads = " + std::to_string(threads) + "\n").c_str());
    if (text == nullptr) throw std::bad_alloc();
    LiteRtOpaqueOptionsHandle* processor = nullptr;
    loading(lite.create_opaque_options("xnnpack", text, std::free, &processor));
    loading(lite.add_opaque_options(made, processor));
    LiteRtCompiledModelHandle* compiled = nullptr;
    loading(lite.create_compiled_model(litert_environment(), model_.model.get(), made, &compiled));
    model_.compiled.reset(compiled);
  }

  GraphFile graph_;
  CompiledModel model_;
  FoundTensors inputs_;
  FoundTensors outputs_;
};

class LiteRtEngine : public Engine {
 public:
  explicit LiteRtEngine(const EngineOptions& options)
      : functions_(load_litert(options.library)), threads_(engine_threads(options.thread_count)) {
    for (const std::string& wanted : options.execution_providers) {
      if (wanted == "cpu" || wanted == "xnnpack") break;
      if (options.is_provider_required) {
        throw Error(LP_ERROR_UNSUPPORTED,
                    {"LiteRT has no such execution provider here.", wanted, "cpu, which is xnnpack",
                     wanted, "leave execution_provider empty, or choose the target onnx"});
      }
      notes_.push_back("LiteRT is used on the processor only: not on '" + wanted + "'.");
    }
  }

  std::string version() const override { return "LiteRT (cpu)"; }
  std::string execution_provider() const override { return "cpu"; }
  std::vector<std::string> notes() const override { return notes_; }

  std::unique_ptr<LoadedGraph> load(const std::string& path, const GraphFile& graph) override {
    return std::make_unique<LiteRtGraph>(functions_, path, graph, threads_);
  }

 private:
  const LiteRtFunctions& functions_;
  unsigned threads_;
  std::vector<std::string> notes_;
};

}  // namespace

std::unique_ptr<Engine> make_litert_engine(const EngineOptions& options) {
  return std::make_unique<LiteRtEngine>(options);
}

}  // namespace lp
