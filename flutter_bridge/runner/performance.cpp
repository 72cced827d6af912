#include "performance.h"

#include <lp_bridge.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "sound_file.h"

namespace lp_play {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kPatienceMs = 60000;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void check(lp_status status, const char* call) {
  if (status >= LP_OK) return;
  char text[4096];
  lp_last_error(text, sizeof text, nullptr);
  throw CallError(std::string(call) + ": " + lp_status_name(status) + ": " + text);
}

template <typename Struct>
Struct sized() {
  Struct result = {};
  result.struct_size = sizeof result;
  return result;
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// Processor time and peak memory of this process.
struct Usage {
  double processor_ms;
  double peak_mb;
};

Usage usage() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) * 1e-3;
  };
#if defined(__APPLE__)
  constexpr double kUnit = 1e6;  // bytes
#else
  constexpr double kUnit = 1e3;  // kilobytes
#endif
  return {ms(used.ru_utime) + ms(used.ru_stime), static_cast<double>(used.ru_maxrss) / kUnit};
}

json summary(std::vector<double> times, double deadline_ms) {
  if (times.empty()) return nullptr;
  const double first = times.front();
  const auto late = std::count_if(times.begin(), times.end(),
                                  [&](double time) { return time > deadline_ms; });
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1) + 0.5)];
  };
  return {{"count", times.size()}, {"first", first},    {"median", at(0.5)},
          {"p95", at(0.95)},       {"p99", at(0.99)},   {"worst", times.back()},
          {"over_deadline", late}};
}

class Performance {
 public:
  explicit Performance(const Arguments& arguments) : arguments_(arguments) {
    const auto start = Clock::now();
    auto options = sized<lp_open_options>();
    options.abi_version = LP_ABI_VERSION;
    options.target = or_null(arguments.target);
    options.precision = or_null(arguments.precision);
    options.execution_provider = or_null(arguments.provider);
    options.engine_library = or_null(arguments.engine);
    options.thread_count = arguments.threads;
    options.pacing = arguments.is_real_time ? LP_PACING_REAL_TIME : LP_PACING_NONE;
    options.picture = arguments.is_portrait ? LP_PICTURE_PORTRAIT : LP_PICTURE_FRAME;
    check(lp_open(arguments.bundle.c_str(), &options, &session_), "lp_open");
    open_ms_ = milliseconds_since(start);
    info_ = sized<lp_info>();
    check(lp_get_info(session_, &info_), "lp_get_info");
    pixels_.resize(std::size_t{info_.width_px} * info_.height_px * 4);
  }
  Performance(const Performance&) = delete;
  Performance& operator=(const Performance&) = delete;
  ~Performance() { lp_close(session_); }

  json run() {
    open_dump();
    const std::vector<std::int16_t> sound =
        arguments_.sound.empty()
            ? make_noise(static_cast<std::size_t>(arguments_.frames) * info_.samples_per_frame)
            : read_sound(arguments_.sound, info_.sample_rate_hz);
    const Usage before = usage();
    start_ = Clock::now();
    play(sound);
    const Usage after = usage();
    json report = described();
    const double deadline_ms = 1e3 / info_.frame_rate_hz;
    auto statistics = sized<lp_statistics>();
    check(lp_get_statistics(session_, &statistics), "lp_get_statistics");
    report["open_ms"] = open_ms_;
    report["first_frame_ms"] = first_frame_ms_;
    report["deadline_ms"] = deadline_ms;
    report["latency"] = {{"frame", summary(frame_ms_, deadline_ms)},
                         {"engine", summary(engine_ms_, deadline_ms)}};
    report["overhead_p50_ms"] = statistics.overhead_p50_ms;
    report["overhead_p95_ms"] = statistics.overhead_p95_ms;
    report["frames_dropped"] = statistics.frames_dropped;
    report["cpu_ms_per_frame"] = (after.processor_ms - before.processor_ms) /
                                 static_cast<double>(std::max<std::size_t>(engine_ms_.size(), 1));
    report["peak_memory_mb"] = after.peak_mb;
    return report;
  }

 private:
  // As the library describes itself, and the machine.
  json described() {
    std::uint64_t needed = 0;
    lp_describe(session_, nullptr, 0, &needed);
    std::string text(static_cast<std::size_t>(needed), '\0');
    check(lp_describe(session_, text.data(), needed, nullptr), "lp_describe");
    const json description = json::parse(text.c_str());
    utsname system = {};
    uname(&system);
    return {{"name", description.at("name")},
            {"target", description.at("variant").at("target")},
            {"precision", description.at("variant").at("precision")},
            {"engine", description.at("engine")},
            {"execution_provider", description.at("execution_provider")},
            {"engine_notes", description.at("engine_notes")},
            {"threads", arguments_.threads},
            {"width", info_.width_px},
            {"height", info_.height_px},
            {"machine", std::string(system.sysname) + " " + system.machine}};
  }

  void open_dump() {
    for (const std::string& name : arguments_.values) {
      check(lp_watch(session_, name.c_str()), "lp_watch");
    }
    if (arguments_.dump.empty()) return;
    const auto open = [&](const std::string& name) {
      std::ofstream stream(arguments_.dump + "/" + name, std::ios::binary);
      if (!stream) throw UsageError("cannot write into " + arguments_.dump);
      return stream;
    };
    frames_file_ = open("frames.rgba");
    for (const std::string& name : arguments_.values) value_files_.push_back(open(name + ".f32"));
  }

  // Sound goes in as fast as the queue takes it; frames come out until the last.
  void play(const std::vector<std::int16_t>& sound) {
    std::size_t pushed = 0;
    bool is_flushed = false;
    auto frame = sized<lp_frame_info>();
    while (frame.is_last == 0 && !is_enough()) {
      const std::size_t count =
          std::min<std::size_t>(info_.samples_per_frame, sound.size() - pushed);
      std::uint32_t patience_ms = is_flushed ? kPatienceMs : 0;
      if (count > 0) {
        const lp_status status =
            lp_push_pcm16(session_, sound.data() + pushed, count, info_.sample_rate_hz);
        check(status, "lp_push_pcm16");
        if (status == LP_OK) pushed += count;
        if (status == LP_QUEUE_FULL) patience_ms = kPatienceMs;
      } else if (!is_flushed) {
        check(lp_flush(session_), "lp_flush");
        is_flushed = true;
        patience_ms = kPatienceMs;
      }
      // Frames trail the sound; only when no more goes in are they waited for.
      if (draw(frame, patience_ms) == LP_NO_FRAME && patience_ms > 0) {
        throw CallError("lp_render: no frame came for a minute");
      }
    }
  }

  bool is_enough() const {
    return (arguments_.frames > 0 && engine_ms_.size() >= arguments_.frames) ||
           (!engine_ms_.empty() && milliseconds_since(start_) > arguments_.max_seconds * 1e3);
  }

  lp_status draw(lp_frame_info& frame, std::uint32_t timeout_ms) {
    auto surface = sized<lp_surface>();
    surface.width_px = info_.width_px;
    surface.height_px = info_.height_px;
    surface.stride_bytes = info_.width_px * 4;
    surface.capacity_bytes = pixels_.size();
    surface.pixels = pixels_.data();
    const lp_status status = lp_render(session_, &surface, timeout_ms, &frame);
    check(status, "lp_render");
    if (status != LP_OK) return status;
    const auto now = Clock::now();
    if (engine_ms_.empty()) {
      first_frame_ms_ = milliseconds_since(start_);
    } else {
      frame_ms_.push_back(std::chrono::duration<double, std::milli>(now - last_).count());
    }
    last_ = now;
    engine_ms_.push_back(static_cast<double>(frame.engine_us) * 1e-3);
    dump();
    return status;
  }

  void dump() {
    if (!frames_file_.is_open()) return;
    frames_file_.write(reinterpret_cast<const char*>(pixels_.data()),
                       static_cast<std::streamsize>(pixels_.size()));
    for (std::size_t i = 0; i < value_files_.size(); ++i) {
      const char* const name = arguments_.values[i].c_str();
      std::uint64_t count = 0;
      lp_read_value(session_, name, nullptr, 0, &count);
      std::vector<float> numbers(static_cast<std::size_t>(count));
      check(lp_read_value(session_, name, numbers.data(), count, nullptr),
            "lp_read_value");
      value_files_[i].write(reinterpret_cast<const char*>(numbers.data()),
                            static_cast<std::streamsize>(numbers.size() * sizeof(float)));
    }
  }

  const Arguments& arguments_;
  lp_session* session_ = nullptr;
  lp_info info_ = {};
  double open_ms_ = 0.0;
  double first_frame_ms_ = 0.0;
  Clock::time_point start_;
  Clock::time_point last_;
  std::vector<double> frame_ms_;
  std::vector<double> engine_ms_;
  std::vector<std::uint8_t> pixels_;
  std::ofstream frames_file_;
  std::vector<std::ofstream> value_files_;
};

}  // namespace

json perform(const Arguments& arguments) { return Performance(arguments).run(); }

}  // namespace lp_play
