#include "consistency.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "error.h"

namespace lp {
namespace {

constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
// All values of a pipeline together: a player keeps them in memory as long as it plays.
constexpr std::uint64_t kMaxPipelineElements = std::uint64_t{1} << 26;
constexpr double kMaxFrameRate = 1000.0;
constexpr std::int64_t kMaxSampleRate = 384000;
constexpr std::int64_t kMaxLookAhead = 1000;

[[noreturn]] void contradiction(const std::string& what, const std::string& where,
                                const std::string& expected, const std::string& got) {
  throw Error(LP_ERROR_BUNDLE, {what, "manifest.json: " + where, expected, got,
                                "build the bundle again; the manifest contradicts itself"});
}

std::string describe(const ValueSpec& value) {
  return std::string(name_of(value.dtype)) + " " + lp::describe(value.shape) +
         (value.layout.empty() ? "" : " " + value.layout);
}

void check_shape(const Shape& shape, const std::string& where) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 1 || size > kMaxElements / count) {
      contradiction("A tensor's shape is out of range.", where,
                    std::to_string(kMaxElements) + " elements at most", lp::describe(shape));
    }
    count *= size;
  }
}

void check_fill(const std::vector<double>& numbers, const Shape& shape, const std::string& where) {
  if (numbers.size() != 1 && numbers.size() != element_count(shape)) {
    contradiction("The default or initial numbers do not fill the tensor.", where,
                  "1 or " + std::to_string(element_count(shape)) + " numbers",
                  std::to_string(numbers.size()));
  }
}

void insert_unique(std::set<std::string>& seen, const std::string& name, const std::string& where) {
  if (!seen.insert(name).second) {
    contradiction("A name occurs twice.", where, "each name once", name);
  }
}

void check_rates(const Pipeline& pipeline) {
  if (!(pipeline.frame_rate > 0 && pipeline.frame_rate <= kMaxFrameRate)) {
    contradiction("The frame rate is out of range.", "pipeline.frame_rate",
                  "0 to 1000 frames a second", std::to_string(pipeline.frame_rate));
  }
  if (pipeline.sample_rate < 1 || pipeline.sample_rate > kMaxSampleRate) {
    contradiction("The sample rate is out of range.", "pipeline.sample_rate", "1 to 384000 Hz",
                  std::to_string(pipeline.sample_rate));
  }
  if (pipeline.look_ahead_frames < 0 || pipeline.look_ahead_frames > kMaxLookAhead) {
    contradiction("The look-ahead is out of range.", "pipeline.look_ahead_frames", "0 to 1000",
                  std::to_string(pipeline.look_ahead_frames));
  }
  const double samples = static_cast<double>(pipeline.sample_rate) / pipeline.frame_rate;
  if (pipeline.samples_per_frame < 1 ||
      std::abs(samples - static_cast<double>(pipeline.samples_per_frame)) > 0.5) {
    contradiction("Sample rate, frame rate and samples per frame disagree.",
                  "pipeline.samples_per_frame", std::to_string(samples),
                  std::to_string(pipeline.samples_per_frame));
  }
}

void check_input(const PipelineInput& input, const Pipeline& pipeline) {
  const std::string where = "pipeline.inputs." + input.name;
  check_shape(input.shape, where);
  if (!input.default_values.empty()) check_fill(input.default_values, input.shape, where);
  const std::size_t last = input.shape.empty() ? 0 : static_cast<std::size_t>(input.shape.back());
  if (!input.labels.empty() && input.labels.size() != last) {
    contradiction("An input has labels for some of its elements only.", where,
                  std::to_string(last) + " labels", std::to_string(input.labels.size()));
  }
  if (input.kind == PipelineInput::Kind::kAudio &&
      element_count(input.shape) != static_cast<std::size_t>(pipeline.samples_per_frame)) {
    contradiction("The audio input does not take one frame of samples.", where,
                  std::to_string(pipeline.samples_per_frame) + " samples",
                  lp::describe(input.shape));
  }
}

void check_motion(std::vector<MotionPart> parts) {
  std::sort(parts.begin(), parts.end(),
            [](const MotionPart& a, const MotionPart& b) { return a.start < b.start; });
  std::int64_t end = 0;
  for (const MotionPart& part : parts) {
    if (part.start < end || part.stop <= part.start) {
      contradiction("The parts of the motion vector overlap or are empty.", "pipeline.motion",
                    "a start of " + std::to_string(end) + " or more and a later stop",
                    std::to_string(part.start) + " to " + std::to_string(part.stop));
    }
    end = part.stop;
  }
}

void check_declarations(const Pipeline& pipeline) {
  std::set<std::string> names;
  std::set<std::string> next_values;
  int audio_inputs = 0;
  for (const PipelineInput& input : pipeline.inputs) {
    insert_unique(names, input.name, "pipeline.inputs");
    check_input(input, pipeline);
    audio_inputs += input.kind == PipelineInput::Kind::kAudio ? 1 : 0;
  }
  if (audio_inputs > 1) {
    contradiction("There are several audio inputs.", "pipeline.inputs", "at most one",
                  std::to_string(audio_inputs));
  }
  for (const State& state : pipeline.states) {
    const std::string where = "pipeline.states." + state.value;
    insert_unique(names, state.value, where);
    insert_unique(next_values, state.next_value, where);
    check_shape(state.shape, where);
    check_fill(state.initial, state.shape, where);
  }
  check_motion(pipeline.motion);
}

void check_connections(const Pipeline& pipeline) {
  if (pipeline.steps.empty()) {
    contradiction("The pipeline has no steps.", "pipeline.steps", "at least one", "0");
  }
  std::set<std::string> known;
  std::set<std::string> made;
  std::set<std::string> graphs;
  for (const PipelineInput& input : pipeline.inputs) known.insert(input.name);
  for (const State& state : pipeline.states) known.insert(state.value);
  for (const Step& step : pipeline.steps) {
    const std::string where = "pipeline.steps." + step.graph;
    insert_unique(graphs, step.graph, where);
    for (const auto& [tensor, value] : step.inputs) {
      if (known.count(value) == 0) {
        contradiction("The value '" + value + "' is not connected.", where + ".inputs." + tensor,
                      "a pipeline input, a state or an earlier step's output",
                      "a value that nothing before this step makes");
      }
    }
    for (const auto& [tensor, value] : step.outputs) {
      if (!known.insert(value).second) {
        contradiction("The value '" + value + "' has two sources.", where + ".outputs." + tensor,
                      "a name of its own for each value", value);
      }
      made.insert(value);
    }
  }
  for (const State& state : pipeline.states) {
    if (known.count(state.next_value) == 0) {
      contradiction("The state '" + state.value + "' is never updated.",
                    "pipeline.states." + state.value + ".next_value", "a value that a step makes",
                    state.next_value);
    }
  }
  if (made.count(pipeline.frame.value) == 0) {
    contradiction("No step makes the frame.", "pipeline.frame.value", "an output of a step",
                  pipeline.frame.value);
  }
}

void check_same(const ValueSpec& found, const ValueSpec& wanted, const std::string& where) {
  const bool both_float = is_float(found.dtype) && is_float(wanted.dtype);
  if (found.shape != wanted.shape || (found.dtype != wanted.dtype && !both_float)) {
    contradiction("A tensor does not fit the value it is connected to.", where, describe(wanted),
                  describe(found));
  }
}

void check_tensor_names(const std::vector<TensorSpec>& tensors, const Connections& connected,
                        const std::string& where) {
  std::set<std::string> names;
  for (const TensorSpec& tensor : tensors) {
    insert_unique(names, tensor.name, where);
    if (connected.count(tensor.name) == 0) {
      contradiction("A graph's tensor is not connected by its step.", where,
                    "only tensors that the step connects", tensor.name);
    }
  }
  if (names.size() != connected.size()) {
    contradiction("A graph lacks a tensor that its step connects.", where,
                  std::to_string(connected.size()) + " tensors", std::to_string(names.size()));
  }
}

void check_frame(const FrameFormat& frame, const ValueSpec& value, const std::string& where) {
  const Shape nchw = {1, 3, frame.height, frame.width};
  const Shape nhwc = {1, frame.height, frame.width, 3};
  const bool fits = (value.layout == "NCHW" && value.shape == nchw) ||
                    (value.layout == "NHWC" && value.shape == nhwc);
  if (!fits) {
    contradiction("The frame's tensor is not a picture of the declared size.", where,
                  "NCHW " + lp::describe(nchw) + " or NHWC " + lp::describe(nhwc), describe(value));
  }
  if (!(frame.low < frame.high)) {
    contradiction("The frame's value range is empty.", "pipeline.frame.value_range",
                  "low, then high", std::to_string(frame.low) + ", " + std::to_string(frame.high));
  }
}

void check_paths(const GraphFile& graph, const std::string& where) {
  std::set<std::string> paths;
  for (const FileRecord& record : graph.files) {
    insert_unique(paths, record.path, where + ".files");
    if (record.path != graph.path && record.path.rfind(graph.path + "/", 0) != 0) {
      contradiction("A graph's file does not lie under its path.", where + ".files",
                    "under '" + graph.path + "'", record.path);
    }
  }
  if (paths.empty()) contradiction("A graph has no files.", where + ".files", "1 or more", "0");
}

std::map<std::string, ValueSpec> declared_values(const Pipeline& pipeline) {
  std::map<std::string, ValueSpec> values;
  for (const PipelineInput& input : pipeline.inputs) {
    values[input.name] = {input.dtype, input.shape, ""};
  }
  for (const State& state : pipeline.states) values[state.value] = {state.dtype, state.shape, ""};
  return values;
}

void add_outputs(std::map<std::string, ValueSpec>& values, const Step& step,
                 const GraphFile& graph) {
  for (const TensorSpec& tensor : graph.outputs) {
    values[step.outputs.at(tensor.name)] = {tensor.dtype, tensor.shape, tensor.layout};
  }
}

void check_total(const std::map<std::string, ValueSpec>& values, const std::string& where) {
  std::uint64_t total = 0;
  for (const auto& [name, value] : values) total += element_count(value.shape);
  if (total > kMaxPipelineElements) {
    contradiction("The pipeline's values are too large.", where,
                  std::to_string(kMaxPipelineElements) +
                      " elements at most in all values together",
                  std::to_string(total));
  }
}

void check_variant(const Pipeline& pipeline, const Variant& variant) {
  const std::string name = "variants[" + variant.target + ", " + variant.precision + "]";
  std::map<std::string, ValueSpec> values = declared_values(pipeline);
  for (const Step& step : pipeline.steps) {
    const std::string where = name + "." + step.graph;
    const auto found = variant.graphs.find(step.graph);
    if (found == variant.graphs.end()) {
      contradiction("A variant lacks a graph of the pipeline.", name, step.graph, "no such graph");
    }
    const GraphFile& graph = found->second;
    check_tensor_names(graph.inputs, step.inputs, where + ".inputs");
    check_tensor_names(graph.outputs, step.outputs, where + ".outputs");
    for (const TensorSpec& tensor : graph.inputs) {
      check_shape(tensor.shape, where + "." + tensor.name);
      check_same({tensor.dtype, tensor.shape, ""}, values.at(step.inputs.at(tensor.name)),
                 where + "." + tensor.name);
    }
    for (const TensorSpec& tensor : graph.outputs) {
      check_shape(tensor.shape, where + "." + tensor.name);
    }
    add_outputs(values, step, graph);
  }
  for (const auto& [graph_name, graph] : variant.graphs)
    check_paths(graph, name + "." + graph_name);
  for (const State& state : pipeline.states) {
    check_same(values.at(state.next_value), {state.dtype, state.shape, ""},
               name + ": states." + state.value);
  }
  check_frame(pipeline.frame, values.at(pipeline.frame.value), name + ": frame");
  check_total(values, name);
}

void check_references(const Manifest& manifest) {
  std::set<std::string> assets;
  for (const FileRecord& record : manifest.assets) assets.insert(record.path);
  if (manifest.paste_back) {
    for (const std::string& path : {manifest.paste_back->portrait, manifest.paste_back->mask}) {
      if (assets.count(path) == 0) {
        contradiction("The portrait or mask is not among the assets.", "paste_back",
                      "a path of an asset", path);
      }
    }
  }
  std::set<std::string> graphs;
  for (const Step& step : manifest.pipeline.steps) graphs.insert(step.graph);
  for (const GoldenCase& golden : manifest.golden) {
    if (!golden.graph.empty() && graphs.count(golden.graph) == 0) {
      contradiction("A golden case is about an unknown graph.", "golden." + golden.name,
                    "a graph of the pipeline", golden.graph);
    }
    if (golden.frames < 1) {
      contradiction("A golden case has no frames.", "golden." + golden.name + ".frames",
                    "1 or more", std::to_string(golden.frames));
    }
  }
  std::set<std::string> thresholds;
  for (const Threshold& threshold : manifest.thresholds) {
    insert_unique(thresholds, threshold.name, "thresholds");
  }
  for (const ParityFigure& figure : manifest.parity) {
    if (thresholds.count(figure.threshold) == 0) {
      contradiction("A parity figure names an unknown threshold.",
                    "parity." + figure.graph + "." + figure.tensor, "a name of thresholds",
                    figure.threshold);
    }
  }
}

}  // namespace

void check_manifest(const Manifest& manifest) {
  check_rates(manifest.pipeline);
  check_declarations(manifest.pipeline);
  check_connections(manifest.pipeline);
  if (manifest.variants.empty()) {
    contradiction("The bundle has no variant.", "variants", "at least one", "0");
  }
  std::set<std::string> variants;
  for (const Variant& variant : manifest.variants) {
    insert_unique(variants, variant.target + " " + variant.precision, "variants");
    check_variant(manifest.pipeline, variant);
  }
  check_references(manifest);
}

std::map<std::string, ValueSpec> all_values(const Pipeline& pipeline, const Variant& variant) {
  std::map<std::string, ValueSpec> values = declared_values(pipeline);
  for (const Step& step : pipeline.steps) {
    add_outputs(values, step, variant.graphs.at(step.graph));
  }
  return values;
}

}  // namespace lp
