// Takes a session's frames as they come due and keeps the latest for a texture to show.
//
// One thread of its own waits in lp_render, so that neither Dart nor the platform's main thread
// draws; three buffers let it draw while a reader holds a picture.
#ifndef LP_PACK_FLUTTER_TEXTURE_FEED_H_
#define LP_PACK_FLUTTER_TEXTURE_FEED_H_

#include <lp_bridge.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lp_pack_flutter {

// Rows without gaps, four bytes a pixel, alpha premultiplied as Flutter's textures want it.
struct TexturePicture {
  const std::uint8_t* pixels = nullptr;
  std::uint32_t width_px = 0;
  std::uint32_t height_px = 0;
};

class TextureFeed {
 public:
  // `session` is a ticket of lp_open; `format` is LP_FORMAT_...; `on_picture` runs on the feed's
  // thread whenever a newer picture can be had.
  TextureFeed(lp_session* session, std::int32_t format, std::function<void()> on_picture);
  ~TextureFeed() { stop(); }

  TextureFeed(const TextureFeed&) = delete;
  TextureFeed& operator=(const TextureFeed&) = delete;

  // Begins to take frames; draws the portrait first. Once, and not for a session that was closed
  // already. A session that is closed later ends the feed; the last picture stays.
  void start();

  // The latest picture, valid until the next call; for one reader. False before the first.
  bool latest(TexturePicture* picture);

  // Draw the current frame again, e.g. before a new background.
  void redraw();

  // Takes no more frames; the last picture stays. No `on_picture` runs after it returns; not to be
  // called from `on_picture`.
  void stop();

  // The size of every picture; 0 when the session was closed already.
  std::uint32_t width_px() const { return info_.width_px; }
  std::uint32_t height_px() const { return info_.height_px; }

 private:
  void run();
  lp_status draw_next();
  void publish();
  void wait_after_error();

  lp_session* const session_;
  const std::int32_t format_;
  const std::function<void()> on_picture_;
  lp_info info_ = {};

  std::array<std::vector<std::uint8_t>, 3> buffers_;
  // Which buffer the feed draws into, which waits to be shown, which is being shown.
  std::size_t drawing_ = 0;
  std::size_t waiting_ = 1;
  std::size_t shown_ = 2;
  bool is_newer_ = false;
  bool has_picture_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> redraw_{true};
  std::thread thread_;
};

}  // namespace lp_pack_flutter

#endif  // LP_PACK_FLUTTER_TEXTURE_FEED_H_
