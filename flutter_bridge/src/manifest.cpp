#include "manifest.h"

#include <algorithm>

#include "json_object.h"

namespace lp {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxAxis = std::int64_t{1} << 28;

bool is_identifier(const std::string& text) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  if (text.empty() || !letter(text[0])) return false;
  for (const char c : text) {
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

std::string identifier(const std::string& text, const std::string& path) {
  if (!is_identifier(text)) throw_bad_field(path, "letters, digits and _", text);
  return text;
}

// A relative POSIX path that cannot leave the bundle; bundle_files.cpp checks it again on disk.
std::string relative_path(const std::string& text, const std::string& path) {
  bool plain = !text.empty() && text[0] != '.' && text[0] != '/' && text[0] != '-';
  for (const char c : text) {
    plain = plain && ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '.' || c == '/' || c == '-');
  }
  for (std::size_t start = 0; plain && start <= text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    const std::string part = text.substr(start, end - start);
    plain = part != "." && part != "..";
    start = end + 1;
  }
  if (!plain) throw_bad_field(path, "a relative path inside the bundle", text);
  return text;
}

template <typename Value>
Value one_of(const std::string& text, const std::string& path,
             const std::vector<std::pair<const char*, Value>>& choices) {
  std::string expected;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    expected += (expected.empty() ? "" : ", ") + std::string(name);
  }
  throw_bad_field(path, expected, text);
}

ElementType element_type(JsonObject& object) {
  return one_of<ElementType>(object.text("dtype"), object.path_of("dtype"),
                             {{"float32", ElementType::kFloat32},
                              {"float16", ElementType::kFloat16},
                              {"int32", ElementType::kInt32},
                              {"int64", ElementType::kInt64},
                              {"uint8", ElementType::kUint8}});
}

// Parse every element of the array `key`; `parse(value, path)` makes one.
template <typename Parse>
auto each(JsonObject& object, const std::string& key, Parse parse) {
  const json& array = object.array(key);
  std::vector<decltype(parse(array, std::string()))> result;
  result.reserve(array.size());
  for (std::size_t i = 0; i < array.size(); ++i) {
    result.push_back(parse(array[i], object.path_of(key, i)));
  }
  return result;
}

Shape shape_of(JsonObject& object) {
  Shape shape = each(object, "shape", integer_of);
  for (const std::int64_t size : shape) {
    if (size < 1 || size > kMaxAxis) {
      throw_bad_field(object.path_of("shape"), "sizes of 1 or more", describe(shape));
    }
  }
  return shape;
}

TensorSpec tensor_spec(const json& value, const std::string& path) {
  JsonObject object(value, path);
  TensorSpec spec{object.text("name"), element_type(object), shape_of(object),
                  object.text_or("layout", "")};
  object.optional("value_range");
  object.refuse_unknown_keys();
  return spec;
}

FileRecord file_record(const json& value, const std::string& path) {
  JsonObject object(value, path);
  FileRecord record{relative_path(object.text("path"), object.path_of("path")),
                    object.text("sha256"),
                    static_cast<std::uint64_t>(object.integer("bytes", 0, INT64_MAX))};
  if (record.sha256.size() != 64 ||
      record.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw_bad_field(object.path_of("sha256"), "64 hexadecimal digits", record.sha256);
  }
  object.refuse_unknown_keys();
  return record;
}

GraphFile graph_file(const json& value, const std::string& path) {
  JsonObject object(value, path);
  GraphFile graph{relative_path(object.text("path"), object.path_of("path")),
                  each(object, "files", file_record), each(object, "inputs", tensor_spec),
                  each(object, "outputs", tensor_spec)};
  object.object("operators");
  for (const char* key : {"opset", "minimum_os", "compression", "exceptions"}) object.optional(key);
  object.refuse_unknown_keys();
  return graph;
}

std::string execution_provider(const json& value, const std::string& path) {
  return one_of<std::string>(
      text_of(value, path), path,
      {{"cpu", "cpu"}, {"xnnpack", "xnnpack"}, {"coreml", "coreml"}, {"nnapi", "nnapi"}});
}

Variant variant(const json& value, const std::string& path) {
  JsonObject object(value, path);
  Variant result{object.text("target"), object.text("precision"), {}, {"cpu"}};
  for (const auto& item : object.object("graphs").items()) {
    const std::string where = object.path_of("graphs") + "." + item.key();
    result.graphs.emplace(identifier(item.key(), where), graph_file(item.value(), where));
  }
  if (object.optional("execution_providers") != nullptr) {
    result.execution_providers = each(object, "execution_providers", execution_provider);
  }
  object.refuse_unknown_keys();
  return result;
}

PipelineInput pipeline_input(const json& value, const std::string& path) {
  using Kind = PipelineInput::Kind;
  JsonObject object(value, path);
  PipelineInput input{
      identifier(object.text("name"), object.path_of("name")),
      element_type(object),
      shape_of(object),
      one_of<Kind>(
          object.text("kind"), object.path_of("kind"),
          {{"audio", Kind::kAudio}, {"control", Kind::kControl}, {"reference", Kind::kReference}}),
      {},
      {}};
  object.text("description");
  object.optional("unit");
  if (object.optional("default") != nullptr) {
    input.default_values = each(object, "default", number_of);
    if (input.default_values.empty()) {
      throw_bad_field(object.path_of("default"), "one number or more", "none");
    }
  }
  if (object.optional("labels") != nullptr) input.labels = each(object, "labels", text_of);
  object.refuse_unknown_keys();
  return input;
}

State state(const json& value, const std::string& path) {
  JsonObject object(value, path);
  State result{identifier(object.text("value"), object.path_of("value")),
               identifier(object.text("next_value"), object.path_of("next_value")),
               element_type(object),
               shape_of(object),
               {0.0}};
  if (object.optional("initial") != nullptr) result.initial = each(object, "initial", number_of);
  object.refuse_unknown_keys();
  return result;
}

Connections connections(JsonObject& object, const std::string& key) {
  Connections result;
  for (const auto& item : object.object(key).items()) {
    const std::string path = object.path_of(key) + "." + item.key();
    result.emplace(item.key(), identifier(text_of(item.value(), path), path));
  }
  return result;
}

Step step(const json& value, const std::string& path) {
  JsonObject object(value, path);
  Step result{identifier(object.text("graph"), object.path_of("graph")),
              connections(object, "inputs"), connections(object, "outputs")};
  object.refuse_unknown_keys();
  return result;
}

FrameFormat frame_format(const json& value, const std::string& path) {
  constexpr std::int64_t kMaxSide = 16384;
  JsonObject object(value, path);
  FrameFormat frame{identifier(object.text("value"), object.path_of("value")),
                    object.integer("width", 1, kMaxSide), object.integer("height", 1, kMaxSide),
                    0.0, 1.0};
  const std::string color = object.text_or("color", "RGB");
  if (color != "RGB") throw_bad_field(object.path_of("color"), "RGB", color);
  if (object.optional("value_range") != nullptr) {
    const std::vector<double> range = each(object, "value_range", number_of);
    if (range.size() != 2) {
      throw_bad_field(object.path_of("value_range"), "two numbers", std::to_string(range.size()));
    }
    frame.low = range[0], frame.high = range[1];
  }
  object.refuse_unknown_keys();
  return frame;
}

MotionPart motion_part(const json& value, const std::string& path) {
  JsonObject object(value, path);
  object.text("name");
  MotionPart part{object.integer("start", 0, kMaxAxis), object.integer("stop", 1, kMaxAxis),
                  object.text("unit")};
  if (part.stop <= part.start) throw_bad_field(path, "a stop after its start", "an empty part");
  object.refuse_unknown_keys();
  return part;
}

Pipeline pipeline(const json& value, const std::string& path) {
  JsonObject object(value, path);
  Pipeline result{object.number("frame_rate"),
                  object.integer("sample_rate"),
                  object.integer("samples_per_frame"),
                  object.integer("look_ahead_frames"),
                  frame_format(object.field("frame"), object.path_of("frame")),
                  each(object, "inputs", pipeline_input),
                  each(object, "states", state),
                  each(object, "steps", step),
                  each(object, "motion", motion_part)};
  object.object("keypoint_groups");
  object.refuse_unknown_keys();
  return result;
}

PasteBackSpec paste_back(const json& value, const std::string& path) {
  JsonObject object(value, path);
  PasteBackSpec spec{relative_path(object.text("portrait"), object.path_of("portrait")),
                     relative_path(object.text("mask"), object.path_of("mask")),
                     {}};
  const json& rows = object.array("frame_to_portrait");
  const std::string where = object.path_of("frame_to_portrait");
  if (rows.size() != 2) throw_bad_field(where, "2 rows", std::to_string(rows.size()));
  for (int row = 0; row < 2; ++row) {
    if (!rows[row].is_array() || rows[row].size() != 3) {
      throw_bad_field(where, "rows of 3 numbers", preview(rows[row]));
    }
    for (int column = 0; column < 3; ++column) {
      spec.frame_to_portrait[row][column] = number_of(rows[row][column], where);
    }
  }
  object.refuse_unknown_keys();
  return spec;
}

GoldenCase golden_case(const json& value, const std::string& path) {
  JsonObject object(value, path);
  GoldenCase result{object.text("name"), object.text_or("graph", ""),
                    file_record(object.field("file"), object.path_of("file")),
                    object.integer("frames", 1, 1 << 20)};
  object.refuse_unknown_keys();
  return result;
}

Threshold threshold(const json& value, const std::string& path) {
  using Metric = Threshold::Metric;
  JsonObject object(value, path);
  Threshold result{object.text("name"),
                   one_of<Metric>(object.text("metric"), object.path_of("metric"),
                                  {{"max_abs", Metric::kMaxAbs},
                                   {"psnr_db", Metric::kPsnrDb},
                                   {"range_fraction", Metric::kRangeFraction}}),
                   object.number("bound"),
                   one_of<bool>(object.text("direction"), object.path_of("direction"),
                                {{"at_most", true}, {"at_least", false}})};
  object.refuse_unknown_keys();
  return result;
}

ParityFigure parity_figure(const json& value, const std::string& path) {
  JsonObject object(value, path);
  ParityFigure figure{object.text("stage"),         object.text("graph"),
                      object.text("tensor"),        object.text("threshold"),
                      object.text_or("target", ""), object.text_or("precision", ""),
                      object.text_or("region", "")};
  for (const char* key : {"worst", "mean"}) object.number(key);
  object.integer("frames");
  object.optional("motion_source");
  object.refuse_unknown_keys();
  return figure;
}

void check_schema_version(const json& root) {
  JsonObject object(root, "");
  const std::int64_t version = object.integer("schema_version");
  if (version > kSchemaVersion) {
    throw Error(LP_ERROR_SCHEMA,
                {"The bundle was made by a newer lp-pack.", "manifest.json: schema_version",
                 std::to_string(kSchemaVersion) + " at most", std::to_string(version),
                 "update the app's lp_pack package"});
  }
  if (version < 1) throw_bad_field("schema_version", "1 or more", std::to_string(version));
}

}  // namespace

Manifest parse_manifest(const std::string& text) {
  json root;
  try {
    root = json::parse(text);
  } catch (const json::exception& error) {
    throw_bad_field("(whole file)", "JSON in UTF-8", error.what());
  }
  check_schema_version(root);
  JsonObject object(root, "");
  object.field("schema_version");
  Manifest manifest;
  manifest.name = object.text("name");
  object.text("tier");
  manifest.trained = object.boolean("trained");
  manifest.notes = each(object, "notes", text_of);
  manifest.pipeline = pipeline(object.field("pipeline"), "pipeline");
  manifest.pipeline_json = root["pipeline"].dump();
  manifest.variants = each(object, "variants", variant);
  if (const json* value = object.optional("paste_back")) {
    manifest.paste_back = paste_back(*value, "paste_back");
  }
  manifest.assets = each(object, "assets", file_record);
  manifest.golden = each(object, "golden", golden_case);
  manifest.thresholds = each(object, "thresholds", threshold);
  manifest.parity = each(object, "parity", parity_figure);
  // Not needed to play: for people and for `lp-pack inspect`.
  object.object("provenance");
  object.array("licences");
  object.optional("measurements");
  object.refuse_unknown_keys();
  return manifest;
}

}  // namespace lp
