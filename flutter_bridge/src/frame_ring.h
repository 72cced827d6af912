// Finished frames that wait to be drawn, in memory of fixed size.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "picture.h"

namespace lp {

struct Frame {
  Picture picture;
  // Watched values, in the order in which they were asked for.
  std::vector<std::vector<float>> values;
  std::int64_t utterance = 0;
  std::int64_t index = 0;
  bool is_last = false;
  double engine_ms = 0.0;
  double overhead_ms = 0.0;
  // Frames that the worker skipped since the one before.
  std::uint32_t skipped_before = 0;
};

// Not locked: its owner is. Frames are swapped in and out, so their memory is used again.
class FrameRing {
 public:
  FrameRing(std::size_t capacity, std::size_t width, std::size_t height) : slots_(capacity) {
    for (Frame& slot : slots_) slot.picture = Picture(width, height);
  }

  std::size_t size() const { return size_; }
  bool full() const { return size_ == slots_.size(); }
  void clear() { size_ = 0; }

  const Frame& at(std::size_t i) const { return slots_[(start_ + i) % slots_.size()]; }

  // Append by swapping; the ring must not be full.
  void push(Frame& frame) {
    std::swap(slots_[(start_ + size_) % slots_.size()], frame);
    ++size_;
  }

  // Take the oldest by swapping; the ring must not be empty.
  void pop(Frame& frame) {
    std::swap(slots_[start_], frame);
    drop();
  }

  // Forget the oldest.
  void drop() {
    start_ = (start_ + 1) % slots_.size();
    --size_;
  }

 private:
  std::vector<Frame> slots_;
  std::size_t start_ = 0;
  std::size_t size_ = 0;
};

}  // namespace lp
