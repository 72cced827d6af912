#include "texture_feed.h"

#include <chrono>
#include <utility>

namespace lp_pack_flutter {
namespace {

// How long a redraw or the end of the feed may have to wait for a frame that does not come.
constexpr std::uint32_t kWaitMs = 40;

void premultiply(std::vector<std::uint8_t>& pixels) {
  for (std::size_t i = 0; i + 3 < pixels.size(); i += 4) {
    const unsigned alpha = pixels[i + 3];
    if (alpha == 255) continue;
    for (std::size_t channel = i; channel < i + 3; ++channel) {
      pixels[channel] = static_cast<std::uint8_t>((pixels[channel] * alpha + 127) / 255);
    }
  }
}

}  // namespace

TextureFeed::TextureFeed(lp_session* session, std::int32_t format,
                         std::function<void()> on_picture)
    : session_(session), format_(format), on_picture_(std::move(on_picture)) {
  info_.struct_size = sizeof info_;
  if (lp_get_info(session_, &info_) != LP_OK) {
    info_ = {};
    return;
  }
  for (std::vector<std::uint8_t>& buffer : buffers_) {
    buffer.resize(std::size_t{4} * info_.width_px * info_.height_px);
  }
}

void TextureFeed::start() {
  if (width_px() == 0 || thread_.joinable()) return;
  thread_ = std::thread([this] { run(); });
}

void TextureFeed::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TextureFeed::redraw() { redraw_ = true; }

bool TextureFeed::latest(TexturePicture* picture) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!has_picture_) return false;
  if (is_newer_) {
    std::swap(waiting_, shown_);
    is_newer_ = false;
  }
  *picture = {buffers_[shown_].data(), info_.width_px, info_.height_px};
  return true;
}

void TextureFeed::run() {
  while (!stop_) {
    const lp_status status = draw_next();
    if (status == LP_OK) {
      publish();
      on_picture_();
    } else if (status == LP_ERROR_CLOSED) {
      return;
    } else if (status < 0) {
      // The worker stopped. Dart learns of it by the session's event; a reset starts it again.
      wait_after_error();
    }
  }
}

lp_status TextureFeed::draw_next() {
  lp_surface surface = {};
  surface.struct_size = sizeof surface;
  surface.format = format_;
  surface.width_px = info_.width_px;
  surface.height_px = info_.height_px;
  surface.stride_bytes = 4 * info_.width_px;
  surface.capacity_bytes = buffers_[drawing_].size();
  surface.pixels = buffers_[drawing_].data();
  if (redraw_.exchange(false)) return lp_render_again(session_, &surface);
  return lp_render(session_, &surface, kWaitMs, nullptr);
}

void TextureFeed::publish() {
  premultiply(buffers_[drawing_]);
  const std::lock_guard<std::mutex> lock(mutex_);
  std::swap(drawing_, waiting_);
  is_newer_ = true;
  has_picture_ = true;
}

void TextureFeed::wait_after_error() {
  std::unique_lock<std::mutex> lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(kWaitMs), [this] { return stop_.load(); });
}

}  // namespace lp_pack_flutter
