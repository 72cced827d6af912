#include "sound_queue.h"

#include <algorithm>

namespace lp {

SoundQueue::SoundQueue(std::size_t samples_per_frame, std::size_t look_ahead_frames,
                       std::size_t capacity_samples)
    : samples_per_frame_(samples_per_frame),
      look_ahead_frames_(look_ahead_frames),
      samples_(std::max(capacity_samples, samples_per_frame)) {}

bool SoundQueue::flush() {
  if (!open_has_sound_) return false;
  ended_.push_back({open_samples_, look_ahead_frames_});
  open_samples_ = 0;
  open_has_sound_ = false;
  return true;
}

bool SoundQueue::ready() const { return !ended_.empty() || open_samples_ >= samples_per_frame_; }

SoundFrame SoundQueue::take(float* frame) {
  std::size_t& available = ended_.empty() ? open_samples_ : ended_.front().samples;
  const std::size_t taken = std::min(available, samples_per_frame_);
  for (std::size_t i = 0; i < taken; ++i) {
    frame[i] = samples_[start_];
    if (++start_ == samples_.size()) start_ = 0;
  }
  std::fill(frame + taken, frame + samples_per_frame_, 0.0f);
  size_ -= taken;
  available -= taken;
  SoundFrame result{utterance_, frames_taken_ - static_cast<std::int64_t>(look_ahead_frames_),
                    false, true};
  ++frames_taken_;
  if (ended_.empty()) return result;
  Ended& ended = ended_.front();
  if (taken == 0) {
    result.has_sound = ended.silent_frames > 0;
    if (result.has_sound) --ended.silent_frames;
  }
  if (ended.samples == 0 && ended.silent_frames == 0) {
    result.is_last = true;
    ended_.pop_front();
    ++utterance_;
    frames_taken_ = 0;
  }
  return result;
}

void SoundQueue::clear() {
  // The utterance being played is either the first that ended or the open one.
  utterance_ += static_cast<std::int64_t>(ended_.size()) + (open_has_sound_ ? 1 : 0);
  start_ = size_ = open_samples_ = 0;
  open_has_sound_ = false;
  ended_.clear();
  frames_taken_ = 0;
}

}  // namespace lp
