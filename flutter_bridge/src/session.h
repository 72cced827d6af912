// An open bundle that plays: sound in on any thread, frames made by one worker, pictures out on any
// thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bundle.h"
#include "compositor.h"
#include "engine.h"
#include "executor.h"
#include "frame_pixels.h"
#include "frame_ring.h"
#include "latency.h"
#include "lp_bridge.h"
#include "play_clock.h"
#include "sound_queue.h"

namespace lp {

struct SessionOptions {
  std::string target;
  std::string precision;
  // Without providers of its own: the variant's are taken.
  EngineOptions engine;
  std::size_t frame_capacity = 4;
  std::size_t sound_capacity_ms = 60000;
  bool real_time = false;
  int picture = LP_PICTURE_PORTRAIT;
  bool check_hashes = true;
};

// Locks: `mutex_` guards everything between caller and worker; `draw_mutex_` what is drawn;
// `check_mutex_` the self-check; `callback_mutex_` the callback. A thread that holds `mutex_` may
// take `draw_mutex_`, never the other way round. The executor is the worker's alone.
class Session : public std::enable_shared_from_this<Session> {
 public:
  static std::shared_ptr<Session> open(const std::string& path, const SessionOptions& options);

  // Stop the worker; waiting calls return LP_ERROR_CLOSED. May be called on the worker itself.
  void close();

  const std::string& description() const { return description_; }
  void get_info(lp_info& info) const { info = info_; }
  void set_callback(lp_event_callback callback, std::int64_t user_data);

  // Samples as float or int16_t.
  template <typename Sample>
  lp_status push(const Sample* samples, std::uint64_t count, std::uint32_t sample_rate);
  void flush();
  void reset();

  void set_emotion(const std::string& label, float intensity);
  void set_control(const std::string& name, const float* values, std::uint64_t count);
  void set_background(const lp_background& background);

  lp_status render(const lp_surface& surface, std::uint32_t timeout_ms, lp_frame_info& info);
  lp_status render_again(const lp_surface& surface);

  void watch(const std::string& name);
  lp_status read_value(const std::string& name, float* values, std::uint64_t capacity,
                       std::uint64_t* count);

  void run_self_check(lp_self_check_result& result);
  std::string self_check_report();
  void get_statistics(lp_statistics& statistics);

 private:
  using Clock = std::chrono::steady_clock;

  // A control that the caller set and the worker has yet to take over.
  struct Control {
    const PipelineInput* input;
    std::vector<double> numbers;
    bool changed;
  };

  // One turn of the worker, decided under the lock and carried out without it.
  struct Turn {
    SoundFrame sound = {};
    std::uint64_t generation = 0;
    bool shown = false;
    bool late = false;
    std::size_t watched = 0;
  };

  Session(const std::string& path, const SessionOptions& options);
  void start_worker();
  void describe();

  void work();
  bool next_turn(Turn& turn);
  void make_frame(const Turn& turn);
  void finish_turn(const Turn& turn);
  void take_controls();
  void fail(lp_status status, const char* text);
  void notify(std::int32_t event, std::int64_t index);

  Control& control(const std::string& name);
  void check_open() const;
  void check_surface(const lp_surface& surface) const;
  bool take_frame(Clock::time_point deadline, std::unique_lock<std::mutex>& lock);
  bool choose_frame(Clock::time_point now, Clock::time_point& wake);

  const Bundle bundle_;
  const Pipeline& pipeline_;
  const bool real_time_;
  const PipelineInput* audio_ = nullptr;
  const Variant* variant_ = nullptr;
  std::unique_ptr<Engine> engine_;
  LoadedGraphs graphs_;
  std::string description_;
  lp_info info_ = {};

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable drawn_;
  std::atomic<bool> closed_ = false;
  SoundQueue queue_;
  FrameRing ring_;
  PlayClock clock_;
  // Rises with every reset: what the worker began before is thrown away.
  std::uint64_t generation_ = 0;
  std::vector<Control> controls_;
  std::vector<std::string> watched_;
  lp_status failure_ = LP_OK;
  std::string failure_text_;
  std::uint32_t dropped_since_drawn_ = 0;
  lp_statistics counters_ = {};
  Latency engine_latency_;
  Latency overhead_latency_;

  // The worker's own.
  std::thread worker_;
  std::unique_ptr<Executor> executor_;
  std::unique_ptr<FramePixels> pixels_;
  Executor::Program* show_ = nullptr;
  Executor::Program* advance_ = nullptr;
  std::size_t prepared_watched_ = 0;
  std::vector<Tensor*> watched_values_;
  Tensor sound_;
  Frame made_;
  std::int64_t last_utterance_ = -1;
  std::uint64_t last_generation_ = 0;
  std::uint32_t skipped_ = 0;

  std::mutex draw_mutex_;
  Compositor compositor_;
  Frame drawn_frame_;
  bool has_drawn_ = false;

  std::mutex check_mutex_;
  std::string check_report_;

  std::recursive_mutex callback_mutex_;
  lp_event_callback callback_ = nullptr;
  std::int64_t user_data_ = 0;
};

}  // namespace lp
