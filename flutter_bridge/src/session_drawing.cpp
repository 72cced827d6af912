// Handing finished frames out: which one is due, and drawing it.
#include <algorithm>

#include "error.h"
#include "session.h"

namespace lp {
namespace {

constexpr std::uint32_t kMaxSide = 16384;

// Whether `pixels` has room for every row; no product here can overflow 64 bits.
void check_memory(const void* pixels, std::uint32_t width, std::uint32_t height,
                  std::uint32_t stride, std::uint64_t capacity, std::int32_t format) {
  if (pixels == nullptr) throw Error(LP_ERROR_ARGUMENT, {"The picture's pixels are null."});
  if (format != LP_FORMAT_RGBA8 && format != LP_FORMAT_BGRA8) {
    throw Error(LP_ERROR_ARGUMENT, {"There is no such pixel format.", "",
                                    "LP_FORMAT_RGBA8 or LP_FORMAT_BGRA8", std::to_string(format)});
  }
  const std::uint64_t row = std::uint64_t{width} * 4;
  if (stride < row) {
    throw Error(LP_ERROR_ARGUMENT,
                {"The stride is shorter than a row.", "", std::to_string(row) + " bytes or more",
                 std::to_string(stride)});
  }
  const std::uint64_t needed = std::uint64_t{stride} * (height - 1) + row;
  if (capacity < needed) {
    throw Error(LP_ERROR_BUFFER_TOO_SMALL,
                {"The picture's memory is too small.", "", std::to_string(needed) + " bytes",
                 std::to_string(capacity) + " bytes"});
  }
}

Picture copy_picture(const lp_background& background) {
  if (background.width_px < 1 || background.height_px < 1 || background.width_px > kMaxSide ||
      background.height_px > kMaxSide) {
    throw Error(
        LP_ERROR_ARGUMENT,
        {"The background's size is out of range.", "", "1 to 16384 pixels a side",
         std::to_string(background.width_px) + " x " + std::to_string(background.height_px)});
  }
  check_memory(background.pixels, background.width_px, background.height_px,
               background.stride_bytes, background.capacity_bytes, background.format);
  Picture picture(background.width_px, background.height_px);
  const std::size_t first = background.format == LP_FORMAT_BGRA8 ? 2 : 0;
  for (std::size_t y = 0; y < picture.height; ++y) {
    const std::uint8_t* from = background.pixels + y * background.stride_bytes;
    std::uint8_t* to = picture.row(y);
    for (std::size_t x = 0; x < picture.width; ++x, from += 4, to += 4) {
      to[0] = from[first], to[1] = from[1], to[2] = from[2 - first];
    }
  }
  return picture;
}

}  // namespace

void Session::check_surface(const lp_surface& surface) const {
  if (surface.width_px != info_.width_px || surface.height_px != info_.height_px) {
    throw Error(LP_ERROR_ARGUMENT,
                {"The surface has another size than the pictures.", "",
                 std::to_string(info_.width_px) + " x " + std::to_string(info_.height_px),
                 std::to_string(surface.width_px) + " x " + std::to_string(surface.height_px),
                 "use the size of lp_get_info"});
  }
  check_memory(surface.pixels, surface.width_px, surface.height_px, surface.stride_bytes,
               surface.capacity_bytes, surface.format);
}

void Session::set_background(const lp_background& background) {
  check_open();
  switch (background.kind) {
    case LP_BACKGROUND_ORIGINAL: {
      const std::lock_guard<std::mutex> lock(draw_mutex_);
      compositor_.clear_background();
      return;
    }
    case LP_BACKGROUND_COLOR: {
      const std::lock_guard<std::mutex> lock(draw_mutex_);
      compositor_.set_background_color(
          {background.red, background.green, background.blue, background.alpha});
      return;
    }
    case LP_BACKGROUND_PICTURE: {
      const Picture picture = copy_picture(background);
      const std::lock_guard<std::mutex> lock(draw_mutex_);
      compositor_.set_background_picture(picture);
      return;
    }
    default:
      throw Error(LP_ERROR_ARGUMENT,
                  {"There is no such kind of background.", "",
                   "LP_BACKGROUND_ORIGINAL, _COLOR or _PICTURE", std::to_string(background.kind)});
  }
}

bool Session::choose_frame(Clock::time_point now, Clock::time_point& wake) {
  if (ring_.size() == 0) return false;
  if (!real_time_) return true;
  if (!clock_.runs(ring_.at(0).utterance)) {
    clock_.start(ring_.at(0).utterance, ring_.at(0).index, now);
    return true;
  }
  // A frame is late when the next one is due as well.
  while (ring_.size() > 1 && ring_.at(1).utterance == ring_.at(0).utterance &&
         clock_.due(ring_.at(1).index) <= now) {
    dropped_since_drawn_ += 1 + ring_.at(0).skipped_before;
    ++counters_.frames_dropped;
    ring_.drop();
    work_.notify_one();
  }
  const Clock::time_point due = clock_.due(ring_.at(0).index);
  if (due <= now) return true;
  wake = std::min(wake, due);
  return false;
}

bool Session::take_frame(Clock::time_point deadline, std::unique_lock<std::mutex>& lock) {
  while (true) {
    check_open();
    Clock::time_point now = Clock::now();
    Clock::time_point wake = deadline;
    if (choose_frame(now, wake)) return true;
    if (ring_.size() == 0 && failure_ != LP_OK) throw Error(failure_, {failure_text_});
    if (now >= deadline) return false;
    drawn_.wait_until(lock, wake);
  }
}

lp_status Session::render(const lp_surface& surface, std::uint32_t timeout_ms,
                          lp_frame_info& info) {
  check_surface(surface);
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  std::unique_lock<std::mutex> lock(mutex_);
  if (!take_frame(deadline, lock)) return LP_NO_FRAME;
  std::unique_lock<std::mutex> drawing(draw_mutex_);
  ring_.pop(drawn_frame_);
  has_drawn_ = true;
  ++counters_.frames_drawn;
  info.dropped_before = dropped_since_drawn_ + drawn_frame_.skipped_before;
  dropped_since_drawn_ = 0;
  lock.unlock();
  work_.notify_one();
  info.is_last = drawn_frame_.is_last ? 1 : 0;
  info.utterance = drawn_frame_.utterance;
  info.index = drawn_frame_.index;
  info.time_us = static_cast<std::int64_t>(static_cast<double>(drawn_frame_.index) * 1e6 /
                                           pipeline_.frame_rate);
  info.engine_us = static_cast<std::int64_t>(drawn_frame_.engine_ms * 1e3);
  const auto start = Clock::now();
  compositor_.draw(&drawn_frame_.picture, surface);
  const std::chrono::duration<double, std::milli> took = Clock::now() - start;
  const double overhead = drawn_frame_.overhead_ms + took.count();
  drawing.unlock();
  lock.lock();
  overhead_latency_.add(overhead);
  return LP_OK;
}

lp_status Session::render_again(const lp_surface& surface) {
  check_surface(surface);
  check_open();
  const std::lock_guard<std::mutex> lock(draw_mutex_);
  if (!has_drawn_ && !compositor_.has_portrait()) return LP_NO_FRAME;
  compositor_.draw(has_drawn_ ? &drawn_frame_.picture : nullptr, surface);
  return LP_OK;
}

lp_status Session::read_value(const std::string& name, float* values, std::uint64_t capacity,
                              std::uint64_t* count) {
  std::size_t place = 0;
  std::uint64_t needed = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    check_open();
    place = static_cast<std::size_t>(std::find(watched_.begin(), watched_.end(), name) -
                                     watched_.begin());
    if (place == watched_.size()) {
      throw Error(LP_ERROR_ARGUMENT, {"The value '" + name + "' is not watched.", "",
                                      "lp_watch before the frame was made", "none"});
    }
    needed = element_count(all_values(pipeline_, *variant_).at(name).shape);
  }
  if (count != nullptr) *count = needed;
  const std::lock_guard<std::mutex> lock(draw_mutex_);
  if (!has_drawn_ || place >= drawn_frame_.values.size()) return LP_NO_FRAME;
  if (values == nullptr || capacity < needed) {
    throw Error(LP_ERROR_BUFFER_TOO_SMALL, {"The buffer is too small for the value.", name,
                                            std::to_string(needed) + " numbers",
                                            std::to_string(values == nullptr ? 0 : capacity)});
  }
  const std::vector<float>& numbers = drawn_frame_.values[place];
  std::copy(numbers.begin(), numbers.end(), values);
  return LP_OK;
}

}  // namespace lp
