// Core ML behind the engine interface, on Apple's systems only.
//
// Written from Apple's documentation and never compiled or run where the rest was: no Mac was at
// hand. The check, on a Mac with Xcode (see README.md, "What was run, and what was not"):
//
//   cmake -S flutter_bridge -B build/mac -DLP_DEPENDENCIES_DIR=DIR && cmake --build build/mac
//   LP_DEPENDENCIES_DIR=DIR pytest tests/flutter_bridge/test_coreml_engine.py
#import <CoreML/CoreML.h>
#import <Foundation/Foundation.h>

#include <mutex>

#include "coreml_tensors.h"
#include "engine.h"
#include "error.h"
#include "sha256.h"

namespace lp {
namespace {

// Where the compiled program is kept; the name changes with the files' hashes.
NSURL* cache_place(const GraphFile& graph) {
  std::string hashes;
  for (const FileRecord& file : graph.files) hashes += file.path + " " + file.sha256 + "\n";
  NSURL* caches = [NSFileManager.defaultManager URLsForDirectory:NSCachesDirectory
                                                       inDomains:NSUserDomainMask].firstObject;
  NSURL* folder = [caches URLByAppendingPathComponent:@"lp_bridge" isDirectory:YES];
  [NSFileManager.defaultManager createDirectoryAtURL:folder
                         withIntermediateDirectories:YES
                                          attributes:nil
                                               error:nil];
  Sha256 hash;
  hash.update(hashes.data(), hashes.size());
  const std::string name = hash.hex_digest() + ".mlmodelc";
  return [folder URLByAppendingPathComponent:string_of(name) isDirectory:YES];
}

MLModel* load_program(const std::string& path, const GraphFile& graph,
                      MLModelConfiguration* configuration) {
  NSURL* cached = cache_place(graph);
  if (cached != nil && [NSFileManager.defaultManager fileExistsAtPath:cached.path]) {
    MLModel* model = [MLModel modelWithContentsOfURL:cached configuration:configuration error:nil];
    if (model != nil) return model;
    // Made by another version of the system, perhaps: compile again.
    [NSFileManager.defaultManager removeItemAtURL:cached error:nil];
  }
  NSError* error = nil;
  NSURL* package = [NSURL fileURLWithPath:string_of(path) isDirectory:YES];
  NSURL* compiled = [MLModel compileModelAtURL:package error:&error];
  if (compiled == nil) {
    fail_in_coreml("Core ML cannot compile a graph.", graph.path, text_of(error));
  }
  if (cached != nil && [NSFileManager.defaultManager moveItemAtURL:compiled
                                                             toURL:cached
                                                             error:nil]) {
    compiled = cached;
  }
  MLModel* model = [MLModel modelWithContentsOfURL:compiled
                                     configuration:configuration
                                             error:&error];
  if (model == nil) fail_in_coreml("Core ML cannot load a graph.", graph.path, text_of(error));
  return model;
}

struct Program {
  MLModel* model;
  // Apple: one thread at a time.
  std::mutex mutex;
};

class CoreMlBoundGraph : public BoundGraph {
 public:
  CoreMlBoundGraph(Program& program, const GraphFile& graph, const std::vector<Tensor*>& inputs,
                   std::vector<Tensor*> outputs)
      : program_(program), graph_(graph), outputs_(std::move(outputs)) {
    NSMutableDictionary<NSString*, id>* features = [NSMutableDictionary dictionary];
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const TensorSpec& spec = graph.inputs[i];
      features[string_of(spec.name)] = array_over(*inputs[i], spec, graph.path);
    }
    NSError* error = nil;
    inputs_ = [[MLDictionaryFeatureProvider alloc] initWithDictionary:features error:&error];
    if (inputs_ == nil) {
      fail_in_coreml("Core ML cannot take the inputs.", graph.path, text_of(error));
    }
  }

  void run() override {
    @autoreleasepool {
      const std::lock_guard<std::mutex> lock(program_.mutex);
      NSError* error = nil;
      id<MLFeatureProvider> result = [program_.model predictionFromFeatures:inputs_ error:&error];
      if (result == nil) {
        fail_in_coreml("Core ML failed while running a graph.", graph_.path, text_of(error));
      }
      for (std::size_t i = 0; i < outputs_.size(); ++i) {
        const TensorSpec& spec = graph_.outputs[i];
        copy_output([result featureValueForName:string_of(spec.name)], spec, *outputs_[i],
                    graph_.path);
      }
    }
  }

 private:
  Program& program_;
  const GraphFile& graph_;
  MLDictionaryFeatureProvider* inputs_;
  std::vector<Tensor*> outputs_;
};

class CoreMlGraph : public LoadedGraph {
 public:
  CoreMlGraph(const std::string& path, const GraphFile& graph, MLModelConfiguration* configuration)
      : graph_(graph) {
    program_.model = load_program(path, graph, configuration);
    check(graph.inputs, program_.model.modelDescription.inputDescriptionsByName);
    check(graph.outputs, program_.model.modelDescription.outputDescriptionsByName);
  }

  std::unique_ptr<BoundGraph> bind(const std::vector<Tensor*>& inputs,
                                   const std::vector<Tensor*>& outputs) override {
    @autoreleasepool {
      return std::make_unique<CoreMlBoundGraph>(program_, graph_, inputs, outputs);
    }
  }

 private:
  // Shapes and types of outputs are compared again with what a run gives.
  void check(const std::vector<TensorSpec>& specs,
             NSDictionary<NSString*, MLFeatureDescription*>* found) const {
    for (const TensorSpec& spec : specs) {
      MLFeatureDescription* feature = found[string_of(spec.name)];
      const MLFeatureType wanted = is_image(spec) ? MLFeatureTypeImage : MLFeatureTypeMultiArray;
      const bool fits = feature != nil && feature.type == wanted && found.count == specs.size();
      if (fits && (is_image(spec) ||
                   feature.multiArrayConstraint.dataType == array_type(spec, graph_.path))) {
        continue;
      }
      throw Error(LP_ERROR_ENGINE, {"A graph's tensors are not those that the manifest lists.",
                                    graph_.path, spec.name + ": " + name_of(spec.dtype),
                                    feature == nil ? "no such tensor" : "another type or number",
                                    "build the bundle again"});
    }
  }

  GraphFile graph_;
  Program program_;
};

class CoreMlEngine : public Engine {
 public:
  // The caller's "cpu" keeps Core ML off the GPU and the Neural Engine. What a manifest lists is
  // meant for ONNX Runtime.
  explicit CoreMlEngine(const EngineOptions& options) {
    const std::string wanted = options.is_provider_required && !options.execution_providers.empty()
                                   ? options.execution_providers.front()
                                   : "coreml";
    if (wanted != "coreml" && wanted != "cpu") {
      throw Error(LP_ERROR_UNSUPPORTED,
                  {"Core ML has no such execution provider.", "", "cpu or coreml", wanted});
    }
    provider_ = wanted;
    configuration_ = [[MLModelConfiguration alloc] init];
    configuration_.computeUnits = wanted == "cpu" ? MLComputeUnitsCPUOnly : MLComputeUnitsAll;
  }

  std::string version() const override { return "Core ML (" + provider_ + ")"; }
  std::string execution_provider() const override { return provider_; }
  std::vector<std::string> notes() const override { return {}; }

  std::unique_ptr<LoadedGraph> load(const std::string& path, const GraphFile& graph) override {
    @autoreleasepool {
      return std::make_unique<CoreMlGraph>(path, graph, configuration_);
    }
  }

 private:
  std::string provider_;
  MLModelConfiguration* configuration_;
};

}  // namespace

std::unique_ptr<Engine> make_coreml_engine(const EngineOptions& options) {
  return std::make_unique<CoreMlEngine>(options);
}

}  // namespace lp
