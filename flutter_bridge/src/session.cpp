// Opening, sound, controls and diagnosis; session_worker.cpp makes frames, session_drawing.cpp
// hands them out.
#include "session.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "error.h"
#include "golden.h"
#include "variant_choice.h"

namespace lp {
namespace {

const PipelineInput* audio_input(const Pipeline& pipeline) {
  for (const PipelineInput& input : pipeline.inputs) {
    if (input.kind == PipelineInput::Kind::kAudio) return &input;
  }
  return nullptr;
}

std::size_t capacity_samples(const Pipeline& pipeline, std::size_t milliseconds) {
  return static_cast<std::size_t>(pipeline.sample_rate) * milliseconds / 1000;
}

inline float to_float(float sample) { return sample; }
inline float to_float(std::int16_t sample) { return static_cast<float>(sample) / 32768.0f; }

bool all_finite(const float* numbers, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!std::isfinite(numbers[i])) return false;
  }
  return true;
}

bool all_finite(const std::int16_t*, std::uint64_t) { return true; }

}  // namespace

Session::Session(const std::string& path, const SessionOptions& options)
    : bundle_(Bundle::open(path, options.check_hashes)),
      pipeline_(bundle_.manifest().pipeline),
      real_time_(options.real_time),
      audio_(audio_input(pipeline_)),
      queue_(static_cast<std::size_t>(pipeline_.samples_per_frame),
             static_cast<std::size_t>(pipeline_.look_ahead_frames),
             capacity_samples(pipeline_, options.sound_capacity_ms)),
      ring_(options.frame_capacity, static_cast<std::size_t>(pipeline_.frame.width),
            static_cast<std::size_t>(pipeline_.frame.height)),
      clock_(pipeline_.frame_rate),
      sound_(ElementType::kFloat32, {pipeline_.samples_per_frame}),
      compositor_(bundle_, options.picture) {
  ChosenVariant chosen =
      choose_variant(bundle_.manifest(), options.target, options.precision, options.engine);
  variant_ = chosen.variant;
  engine_ = std::move(chosen.engine);
  for (const Step& step : pipeline_.steps) {
    const GraphFile& graph = variant_->graphs.at(step.graph);
    graphs_[step.graph] = engine_->load(bundle_.graph_path(graph), graph);
  }
  executor_ = std::make_unique<Executor>(pipeline_, *variant_, graphs_);
  pixels_ = std::make_unique<FramePixels>(pipeline_.frame, executor_->spec(pipeline_.frame.value));
  for (const PipelineInput& input : pipeline_.inputs) {
    if (input.kind == PipelineInput::Kind::kAudio) continue;
    controls_.push_back({&input, std::vector<double>(element_count(input.shape)), false});
  }
  const Picture blank(ring_.at(0).picture.width, ring_.at(0).picture.height);
  made_.picture = blank;
  drawn_frame_.picture = blank;
  describe();
}

std::shared_ptr<Session> Session::open(const std::string& path, const SessionOptions& options) {
  const std::shared_ptr<Session> session(new Session(path, options));
  session->start_worker();
  return session;
}

void Session::describe() {
  const Manifest& manifest = bundle_.manifest();
  nlohmann::json values;
  for (const auto& [name, spec] : all_values(pipeline_, *variant_)) {
    values[name] = {{"dtype", name_of(spec.dtype)}, {"shape", spec.shape}, {"layout", spec.layout}};
  }
  description_ =
      nlohmann::json{
          {"name", manifest.name},
          {"trained", manifest.trained},
          {"notes", manifest.notes},
          {"pipeline", nlohmann::json::parse(manifest.pipeline_json)},
          {"variant", {{"target", variant_->target}, {"precision", variant_->precision}}},
          {"engine", engine_->version()},
          {"execution_provider", engine_->execution_provider()},
          {"engine_notes", engine_->notes()},
          {"values", values},
      }
          .dump();
  info_.width_px = static_cast<std::uint32_t>(compositor_.width());
  info_.height_px = static_cast<std::uint32_t>(compositor_.height());
  info_.sample_rate_hz = static_cast<std::uint32_t>(pipeline_.sample_rate);
  info_.samples_per_frame = static_cast<std::uint32_t>(pipeline_.samples_per_frame);
  info_.look_ahead_frames = static_cast<std::uint32_t>(pipeline_.look_ahead_frames);
  info_.frame_rate_hz = pipeline_.frame_rate;
  info_.is_trained = manifest.trained ? 1 : 0;
  info_.has_plain_background = compositor_.has_plain_background() ? 1 : 0;
}

void Session::check_open() const {
  if (closed_) throw Error(LP_ERROR_CLOSED, {"The session was closed during the call."});
}

template <typename Sample>
lp_status Session::push(const Sample* samples, std::uint64_t count, std::uint32_t sample_rate) {
  if (audio_ == nullptr) {
    throw Error(LP_ERROR_UNSUPPORTED,
                {"This bundle has no audio input.", "", "an input of kind 'audio'", "none"});
  }
  if (sample_rate != info_.sample_rate_hz) {
    throw Error(LP_ERROR_SAMPLE_RATE,
                {"The sound has another sample rate than the bundle takes.", "",
                 std::to_string(info_.sample_rate_hz) + " Hz", std::to_string(sample_rate) + " Hz",
                 "resample it before it is pushed"});
  }
  if (count == 0) {
    throw Error(LP_ERROR_ARGUMENT, {"There is no sound to push.", "", "1 sample or more", "0"});
  }
  if (count > queue_.capacity()) {
    throw Error(LP_ERROR_ARGUMENT,
                {"The sound is longer than the queue.", "",
                 std::to_string(queue_.capacity()) + " samples at most", std::to_string(count),
                 "push it in pieces, or open with a larger sound_capacity_ms"});
  }
  if (!all_finite(samples, count)) {
    throw Error(LP_ERROR_ARGUMENT, {"The sound holds NaN or infinity.", "", "finite samples"});
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    check_open();
    if (failure_ != LP_OK) throw Error(failure_, {failure_text_});
    // It fits in a size_t, since it is within the queue's capacity.
    const auto taken = static_cast<std::size_t>(count);
    if (!queue_.fits(taken)) return LP_QUEUE_FULL;
    queue_.push(samples, taken, [](Sample sample) { return to_float(sample); });
  }
  work_.notify_one();
  return LP_OK;
}

template lp_status Session::push(const float*, std::uint64_t, std::uint32_t);
template lp_status Session::push(const std::int16_t*, std::uint64_t, std::uint32_t);

void Session::flush() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    check_open();
    queue_.flush();
  }
  work_.notify_one();
}

void Session::reset() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    check_open();
    ++generation_;
    counters_.frames_discarded += ring_.size();
    queue_.clear();
    ring_.clear();
    clock_.stop();
    failure_ = LP_OK;
    failure_text_.clear();
    dropped_since_drawn_ = 0;
  }
  work_.notify_one();
  drawn_.notify_all();
}

Session::Control& Session::control(const std::string& name) {
  std::string known;
  for (Control& control : controls_) {
    if (control.input->name == name) return control;
    known += (known.empty() ? "" : ", ") + control.input->name;
  }
  throw Error(LP_ERROR_ARGUMENT, {"The pipeline has no control of this name.", "", known, name});
}

void Session::set_control(const std::string& name, const float* values, std::uint64_t count) {
  const std::lock_guard<std::mutex> lock(mutex_);
  check_open();
  Control& found = control(name);
  if (count != found.numbers.size()) {
    throw Error(
        LP_ERROR_ARGUMENT,
        {"The control '" + name + "' has another number of elements.", "",
         std::to_string(found.numbers.size()) + ", shape " + lp::describe(found.input->shape),
         std::to_string(count)});
  }
  if (!all_finite(values, count)) {
    throw Error(LP_ERROR_ARGUMENT, {"The control holds NaN or infinity.", name, "finite numbers"});
  }
  found.numbers.assign(values, values + count);
  found.changed = true;
}

void Session::set_emotion(const std::string& label, float intensity) {
  if (!(intensity >= 0.0f && intensity <= 1.0f)) {
    throw Error(LP_ERROR_ARGUMENT,
                {"The intensity is out of range.", "", "0 to 1", std::to_string(intensity)});
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  check_open();
  std::string known;
  for (Control& found : controls_) {
    const PipelineInput& input = *found.input;
    const std::size_t labels = input.labels.size();
    for (std::size_t i = 0; i < labels; ++i) {
      known += (known.empty() ? "" : ", ") + input.labels[i];
      if (input.labels[i] != label) continue;
      // Between the default (0) and this element alone (1), as lp_runtime/controls.py.
      for (std::size_t j = 0; j < found.numbers.size(); ++j) {
        const auto& rest = input.default_values;
        const double at_rest = rest.empty() ? 0.0 : rest[rest.size() == 1 ? 0 : j];
        const float alone = j % labels == i ? 1.0f : 0.0f;
        found.numbers[j] = (1.0f - intensity) * static_cast<float>(at_rest) + intensity * alone;
      }
      found.changed = true;
      return;
    }
  }
  throw Error(LP_ERROR_ARGUMENT, {"The bundle has no emotion of this name.", "",
                                  known.empty() ? "none at all" : known, label});
}

void Session::watch(const std::string& name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  check_open();
  if (std::find(watched_.begin(), watched_.end(), name) != watched_.end()) return;
  const auto values = all_values(pipeline_, *variant_);
  if (values.count(name) == 0) {
    std::string known;
    for (const auto& [value, spec] : values) known += (known.empty() ? "" : ", ") + value;
    throw Error(LP_ERROR_ARGUMENT, {"The pipeline has no value of this name.", "", known, name});
  }
  watched_.push_back(name);
}

void Session::run_self_check(lp_self_check_result& result) {
  const std::lock_guard<std::mutex> lock(check_mutex_);
  nlohmann::json report = nlohmann::json::array();
  for (const GoldenFigure& figure : self_check(bundle_, *variant_, graphs_)) {
    ++result.compared;
    result.failed += figure.passed ? 0 : 1;
    if (!(figure.max_abs <= result.worst_max_abs)) result.worst_max_abs = figure.max_abs;
    // JSON has no infinity; it becomes null.
    report.push_back({{"case", figure.golden_case},
                      {"graph", figure.graph},
                      {"tensor", figure.tensor},
                      {"threshold", figure.threshold},
                      {"bound", figure.bound},
                      {"worst", figure.worst},
                      {"mean", figure.mean},
                      {"max_abs", figure.max_abs},
                      {"frames", figure.frames},
                      {"passed", figure.passed}});
  }
  check_report_ = report.dump();
}

std::string Session::self_check_report() {
  const std::lock_guard<std::mutex> lock(check_mutex_);
  if (check_report_.empty()) {
    throw Error(LP_ERROR_ARGUMENT,
                {"There was no self-check yet.", "", "lp_self_check before it", "none"});
  }
  return check_report_;
}

void Session::get_statistics(lp_statistics& statistics) {
  const std::lock_guard<std::mutex> lock(mutex_);
  statistics = counters_;
  statistics.frames_waiting = static_cast<std::uint32_t>(ring_.size());
  statistics.utterance = queue_.open_utterance();
  statistics.sound_waiting_ms =
      static_cast<std::uint32_t>(queue_.waiting() * 1000 / info_.sample_rate_hz);
  const Latency::Summary engine = engine_latency_.summary();
  statistics.engine_first_ms = engine.first;
  statistics.engine_p50_ms = engine.p50;
  statistics.engine_p95_ms = engine.p95;
  statistics.engine_p99_ms = engine.p99;
  statistics.engine_worst_ms = engine.worst;
  const Latency::Summary overhead = overhead_latency_.summary();
  statistics.overhead_p50_ms = overhead.p50;
  statistics.overhead_p95_ms = overhead.p95;
  statistics.overhead_p99_ms = overhead.p99;
}

}  // namespace lp
