#include "golden.h"

#include <algorithm>

#include "error.h"
#include "metrics.h"
#include "safetensors.h"

namespace lp {
namespace {

// Recorded tensors by value name, each with a leading axis of frames.
struct GoldenData {
  std::map<std::string, Tensor> inputs;
  std::map<std::string, Tensor> outputs;
};

[[noreturn]] void wrong(const std::string& what, const std::string& where,
                        const std::string& expected, const std::string& got) {
  throw Error(LP_ERROR_BUNDLE, {what, where, expected, got, "copy or build the bundle again"});
}

GoldenData read_golden(const Bundle& bundle, const GoldenCase& golden) {
  GoldenData data;
  for (auto& [key, tensor] : read_safetensors(bundle.file(golden.file))) {
    const std::string where = golden.file.path + ": " + key;
    if (tensor.shape().empty() || tensor.shape()[0] != golden.frames) {
      wrong("A golden tensor has the wrong number of frames.", where, std::to_string(golden.frames),
            describe(tensor.shape()));
    }
    if (key.rfind("input.", 0) == 0 && key.size() > 6) {
      data.inputs.emplace(key.substr(6), std::move(tensor));
    } else if (key.rfind("output.", 0) == 0 && key.size() > 7) {
      data.outputs.emplace(key.substr(7), std::move(tensor));
    } else {
      wrong("A golden file holds a tensor of unknown role.", where,
            "input.<value> or output.<value>", key);
    }
  }
  if (data.outputs.empty()) {
    wrong("A golden case has no outputs.", golden.file.path, "output.<value>", "none");
  }
  return data;
}

// The threshold that the build applied to this tensor at this variant's precision.
const Threshold& threshold_for(const Manifest& manifest, const Variant& variant,
                               const GoldenCase& golden, const std::string& tensor) {
  for (const ParityFigure& figure : manifest.parity) {
    if (figure.tensor != tensor || figure.target != variant.target ||
        figure.precision != variant.precision || !figure.region.empty()) {
      continue;
    }
    for (const Threshold& threshold : manifest.thresholds) {
      if (threshold.name == figure.threshold) return threshold;
    }
  }
  wrong("No threshold covers a golden tensor.", "manifest.json: parity",
        "a parity figure of '" + tensor + "' at " + variant.target + " " + variant.precision,
        "none, for the case " + golden.name);
}

void check_row(const Executor& executor, const std::string& name, const Tensor& recorded,
               const GoldenCase& golden) {
  const ValueSpec& spec = executor.spec(name);
  const Shape row(recorded.shape().begin() + 1, recorded.shape().end());
  if (row != spec.shape || is_float(recorded.type()) != is_float(spec.dtype)) {
    wrong("A golden tensor is not of the value's type or shape.", golden.file.path + ": " + name,
          std::string(name_of(spec.dtype)) + " " + describe(spec.shape),
          std::string(name_of(recorded.type())) + " " + describe(row));
  }
}

std::set<std::string> names_of(const std::map<std::string, Tensor>& tensors, Executor& executor) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    executor.value(name);
    names.insert(name);
  }
  return names;
}

// One frame of the recorded tensor, as a tensor.
void load_row(const Tensor& recorded, std::int64_t frame, Tensor& row, Tensor& value) {
  const auto* bytes = static_cast<const std::uint8_t*>(recorded.data());
  std::copy_n(bytes + static_cast<std::size_t>(frame) * row.size_bytes(), row.size_bytes(),
              static_cast<std::uint8_t*>(row.data()));
  copy_converted(row, value);
}

// The recorded inputs replayed, state carried along: each wanted value's frames as floats.
std::map<std::string, std::vector<float>> replay(Executor& executor, const GoldenData& data,
                                                 const GoldenCase& golden) {
  Executor::Program& program =
      executor.prepare(names_of(data.inputs, executor), names_of(data.outputs, executor), false);
  std::map<std::string, Tensor> rows;
  for (const auto& [name, tensor] : data.inputs) {
    check_row(executor, name, tensor, golden);
    rows.emplace(name, Tensor(tensor.type(), executor.spec(name).shape));
  }
  std::map<std::string, std::vector<float>> results;
  for (const auto& [name, tensor] : data.outputs) {
    check_row(executor, name, tensor, golden);
    results[name].resize(tensor.count());
  }
  executor.reset_states();
  for (std::int64_t frame = 0; frame < golden.frames; ++frame) {
    for (const auto& [name, tensor] : data.inputs) {
      load_row(tensor, frame, rows.at(name), executor.value(name));
    }
    executor.run(program);
    for (auto& [name, numbers] : results) {
      const Tensor& value = executor.value(name);
      read_floats(value, numbers.data() + static_cast<std::size_t>(frame) * value.count());
    }
  }
  return results;
}

}  // namespace

std::vector<GoldenFigure> self_check(const Bundle& bundle, const Variant& variant,
                                     LoadedGraphs& graphs) {
  const Manifest& manifest = bundle.manifest();
  if (manifest.golden.empty()) {
    wrong("The bundle has no golden data.", "manifest.json: golden", "one case or more", "none");
  }
  std::vector<GoldenFigure> figures;
  for (const GoldenCase& golden : manifest.golden) {
    const GoldenData data = read_golden(bundle, golden);
    Executor executor(manifest.pipeline, variant, graphs);
    const auto results = replay(executor, data, golden);
    for (const auto& [name, recorded] : data.outputs) {
      const Threshold& threshold = threshold_for(manifest, variant, golden, name);
      std::vector<float> expected(recorded.count());
      read_floats(recorded, expected.data());
      const auto frames = static_cast<std::size_t>(golden.frames);
      const Agreement agreement =
          measure(threshold, expected, results.at(name), frames, expected.size() / frames,
                  name == "motion" ? manifest.pipeline.motion : std::vector<MotionPart>());
      figures.push_back({golden.name, golden.graph.empty() ? "pipeline" : golden.graph, name,
                         threshold.name, threshold.bound, agreement.worst, agreement.mean,
                         agreement.max_abs, golden.frames, meets(threshold, agreement.worst)});
    }
  }
  return figures;
}

}  // namespace lp
