// Sound that waits to fill frames, cut into utterances by flushes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace lp {

// What the worker must do with one frame's sound.
struct SoundFrame {
  std::int64_t utterance;
  // Number of the picture it leads to; negative: the first `look_ahead` show a time before the
  // sound began and are not shown.
  std::int64_t index;
  bool is_last;
  // False: the utterance ended after its last full frame was taken; there is nothing to run.
  bool has_sound;
};

// A ring of samples in memory of fixed size. Not locked: its owner is.
class SoundQueue {
 public:
  SoundQueue(std::size_t samples_per_frame, std::size_t look_ahead_frames,
             std::size_t capacity_samples);

  std::size_t capacity() const { return samples_.size(); }
  std::size_t waiting() const { return size_; }
  // Number of the utterance that the next samples belong to.
  std::int64_t open_utterance() const {
    return utterance_ + static_cast<std::int64_t>(ended_.size());
  }
  bool fits(std::size_t count) const { return count <= samples_.size() - size_; }

  // Append samples; they must fit.
  template <typename Sample, typename Convert>
  void push(const Sample* samples, std::size_t count, Convert convert) {
    std::size_t end = (start_ + size_) % samples_.size();
    for (std::size_t i = 0; i < count; ++i) {
      samples_[end] = convert(samples[i]);
      if (++end == samples_.size()) end = 0;
    }
    size_ += count;
    open_samples_ += count;
    open_has_sound_ = open_has_sound_ || count > 0;
  }

  // End the utterance; returns false when it has no sound.
  bool flush();

  // Whether `take` has a frame.
  bool ready() const;

  // The next frame's samples, padded with silence at an utterance's end.
  SoundFrame take(float* frame);

  // Forget everything that waits; the next sound begins a new utterance.
  void clear();

 private:
  struct Ended {
    // Samples of this utterance that still wait.
    std::size_t samples;
    // Silent frames still to be handed out after them.
    std::size_t silent_frames;
  };

  std::size_t samples_per_frame_;
  std::size_t look_ahead_frames_;
  std::vector<float> samples_;
  std::size_t start_ = 0;
  std::size_t size_ = 0;
  // Samples that wait and belong to the utterance that is not flushed yet.
  std::size_t open_samples_ = 0;
  // Whether any sample of the open utterance was pushed, taken or not.
  bool open_has_sound_ = false;
  std::deque<Ended> ended_;
  std::int64_t utterance_ = 0;
  std::int64_t frames_taken_ = 0;
};

}  // namespace lp
