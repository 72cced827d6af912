// When each frame of an utterance is due, in real time.
#pragma once

#include <chrono>
#include <cstdint>

namespace lp {

// Starts with the first frame taken. Not locked: its owner is.
class PlayClock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  explicit PlayClock(double frame_rate)
      : period_(
            std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1.0 / frame_rate))) {
  }

  bool runs(std::int64_t utterance) const { return running_ && utterance == utterance_; }

  // From now on this frame of this utterance is the one that is due.
  void start(std::int64_t utterance, std::int64_t index, Time now) {
    running_ = true;
    utterance_ = utterance;
    zero_ = now - index * period_;
  }

  void stop() { running_ = false; }

  Time due(std::int64_t index) const { return zero_ + index * period_; }

  // Whether there is no point in making this frame: the one after it is due already.
  bool too_late(std::int64_t index, Time now) const { return due(index + 1) <= now; }

  // The sound of this frame came after it was due: playback stood still, so does the clock.
  void wait_for(std::int64_t index, Time now) {
    if (due(index) < now) zero_ = now - index * period_;
  }

 private:
  Duration period_;
  bool running_ = false;
  std::int64_t utterance_ = 0;
  Time zero_ = {};
};

}  // namespace lp
