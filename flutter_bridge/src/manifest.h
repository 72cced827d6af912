// manifest.json as structs: the part of lp_runtime/manifest.py that a player needs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tensor.h"

namespace lp {

constexpr std::int64_t kSchemaVersion = 1;

struct TensorSpec {
  std::string name;
  ElementType dtype;
  Shape shape;
  std::string layout;
};

struct FileRecord {
  std::string path;
  std::string sha256;
  std::uint64_t bytes;
};

struct GraphFile {
  std::string path;
  std::vector<FileRecord> files;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
};

struct Variant {
  std::string target;
  std::string precision;
  std::map<std::string, GraphFile> graphs;
  // For ONNX, most wanted first.
  std::vector<std::string> execution_providers;
};

struct PipelineInput {
  enum class Kind { kAudio, kControl, kReference };

  std::string name;
  ElementType dtype;
  Shape shape;
  Kind kind;
  // Empty: the host must supply it.
  std::vector<double> default_values;
  std::vector<std::string> labels;
};

struct State {
  std::string value;
  std::string next_value;
  ElementType dtype;
  Shape shape;
  std::vector<double> initial;
};

// Graph tensor name -> value name.
using Connections = std::map<std::string, std::string>;

struct Step {
  std::string graph;
  Connections inputs;
  Connections outputs;
};

// A slice of the motion vector; the unit decides how agreement is judged.
struct MotionPart {
  std::int64_t start;
  std::int64_t stop;
  std::string unit;
};

struct FrameFormat {
  std::string value;
  std::int64_t width;
  std::int64_t height;
  double low;
  double high;
};

struct Pipeline {
  double frame_rate;
  std::int64_t sample_rate;
  std::int64_t samples_per_frame;
  std::int64_t look_ahead_frames;
  FrameFormat frame;
  std::vector<PipelineInput> inputs;
  std::vector<State> states;
  std::vector<Step> steps;
  std::vector<MotionPart> motion;
};

struct PasteBackSpec {
  std::string portrait;
  std::string mask;
  // Row-major 2x3: frame pixel (x, y, 1) -> portrait pixel.
  double frame_to_portrait[2][3];
};

struct GoldenCase {
  std::string name;
  // Empty: the whole pipeline.
  std::string graph;
  FileRecord file;
  std::int64_t frames;
};

struct Threshold {
  enum class Metric { kMaxAbs, kPsnrDb, kRangeFraction };

  std::string name;
  Metric metric;
  double bound;
  bool at_most;
};

// Which threshold a tensor had to meet when the bundle was made.
struct ParityFigure {
  std::string stage;
  std::string graph;
  std::string tensor;
  std::string threshold;
  std::string target;
  std::string precision;
  // Empty: the whole tensor.
  std::string region;
};

struct Manifest {
  std::string name;
  bool trained;
  std::vector<std::string> notes;
  Pipeline pipeline;
  std::vector<Variant> variants;
  std::optional<PasteBackSpec> paste_back;
  std::vector<FileRecord> assets;
  std::vector<GoldenCase> golden;
  std::vector<Threshold> thresholds;
  std::vector<ParityFigure> parity;
  // The pipeline as it was written, for lp_describe.
  std::string pipeline_json;
};

// Throws Error(LP_ERROR_SCHEMA) for a newer schema and Error(LP_ERROR_BUNDLE) that names the field
// for everything else that is wrong.
Manifest parse_manifest(const std::string& text);

}  // namespace lp
