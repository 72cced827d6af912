// The feed of textures on a real bundle:  texture_feed_test BUNDLE ENGINE_LIBRARY
//
// The bundle has a portrait with a plain background.
#include "texture_feed.h"

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

using lp_pack_flutter::TextureFeed;
using lp_pack_flutter::TexturePicture;

namespace {

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      std::fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                            \
    }                                                                          \
  } while (false)

const char* g_bundle = nullptr;
const char* g_engine = nullptr;

lp_session* open_session() {
  lp_open_options options = {};
  options.struct_size = sizeof options;
  options.abi_version = LP_ABI_VERSION;
  options.engine_library = g_engine;
  options.thread_count = 1;
  lp_session* session = nullptr;
  CHECK(lp_open(g_bundle, &options, &session) == LP_OK);
  return session;
}

// Counts pictures and waits for them.
struct Pictures {
  std::mutex mutex;
  std::condition_variable more;
  int count = 0;

  void add() {
    const std::lock_guard<std::mutex> lock(mutex);
    ++count;
    more.notify_all();
  }
  void wait_for(int wanted) {
    std::unique_lock<std::mutex> lock(mutex);
    CHECK(more.wait_for(lock, std::chrono::seconds(60), [&] { return count >= wanted; }));
  }
};

std::vector<std::uint8_t> drawn_again(lp_session* session, std::int32_t format) {
  lp_info info = {};
  info.struct_size = sizeof info;
  CHECK(lp_get_info(session, &info) == LP_OK);
  std::vector<std::uint8_t> pixels(std::size_t{4} * info.width_px * info.height_px);
  lp_surface surface = {};
  surface.struct_size = sizeof surface;
  surface.format = format;
  surface.width_px = info.width_px;
  surface.height_px = info.height_px;
  surface.stride_bytes = 4 * info.width_px;
  surface.capacity_bytes = pixels.size();
  surface.pixels = pixels.data();
  CHECK(lp_render_again(session, &surface) == LP_OK);
  return pixels;
}

bool equal(const TexturePicture& picture, const std::vector<std::uint8_t>& pixels) {
  return std::size_t{4} * picture.width_px * picture.height_px == pixels.size() &&
         std::memcmp(picture.pixels, pixels.data(), pixels.size()) == 0;
}

void set_color(lp_session* session, std::uint8_t level, std::uint8_t alpha) {
  lp_background background = {};
  background.struct_size = sizeof background;
  background.kind = LP_BACKGROUND_COLOR;
  background.red = background.green = background.blue = level;
  background.alpha = alpha;
  CHECK(lp_set_background(session, &background) == LP_OK);
}

void shows_the_portrait_first(std::int32_t format) {
  lp_session* session = open_session();
  Pictures pictures;
  TextureFeed feed(session, format, [&] { pictures.add(); });
  feed.start();
  pictures.wait_for(1);
  TexturePicture picture;
  CHECK(feed.latest(&picture));
  CHECK(equal(picture, drawn_again(session, format)));
  lp_close(session);
}

void shows_every_frame_and_keeps_the_last() {
  lp_session* session = open_session();
  Pictures pictures;
  TextureFeed feed(session, LP_FORMAT_RGBA8, [&] { pictures.add(); });
  feed.start();
  pictures.wait_for(1);
  const std::vector<std::uint8_t> portrait = drawn_again(session, LP_FORMAT_RGBA8);
  const std::vector<float> sound(640 * 30, 0.25F);
  CHECK(lp_push_pcm(session, sound.data(), sound.size(), 16000) == LP_OK);
  CHECK(lp_flush(session) == LP_OK);
  // Another thread reads meanwhile, as Flutter's raster thread does.
  std::atomic<bool> done{false};
  std::thread reader([&] {
    TexturePicture picture;
    unsigned sum = 0;
    while (!done) {
      if (feed.latest(&picture)) sum += picture.pixels[3];
    }
    CHECK(sum > 0);
  });
  pictures.wait_for(31);
  done = true;
  reader.join();
  TexturePicture picture;
  CHECK(feed.latest(&picture));
  CHECK(equal(picture, drawn_again(session, LP_FORMAT_RGBA8)));
  CHECK(!equal(picture, portrait));
  lp_close(session);
}

void premultiplies_what_is_transparent() {
  lp_session* session = open_session();
  Pictures pictures;
  TextureFeed feed(session, LP_FORMAT_RGBA8, [&] { pictures.add(); });
  feed.start();
  pictures.wait_for(1);
  set_color(session, 200, 128);
  feed.redraw();
  pictures.wait_for(2);
  TexturePicture picture;
  CHECK(feed.latest(&picture));
  CHECK(picture.pixels[0] == 100 && picture.pixels[2] == 100 && picture.pixels[3] == 128);
  set_color(session, 200, 255);
  feed.redraw();
  pictures.wait_for(3);
  CHECK(feed.latest(&picture));
  CHECK(picture.pixels[0] == 200 && picture.pixels[3] == 255);
  lp_close(session);
}

void outlives_the_session() {
  lp_session* session = open_session();
  Pictures pictures;
  TextureFeed feed(session, LP_FORMAT_BGRA8, [&] { pictures.add(); });
  feed.start();
  pictures.wait_for(1);
  lp_close(session);
  feed.redraw();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  TexturePicture picture;
  CHECK(feed.latest(&picture));
  CHECK(pictures.count == 1);

  TextureFeed closed(session, LP_FORMAT_BGRA8, [] { CHECK(false); });
  closed.start();
  CHECK(closed.width_px() == 0);
  CHECK(!closed.latest(&picture));
}

void takes_no_frame_after_stop() {
  lp_session* session = open_session();
  Pictures pictures;
  TextureFeed feed(session, LP_FORMAT_RGBA8, [&] { pictures.add(); });
  feed.start();
  pictures.wait_for(1);
  feed.stop();
  feed.stop();
  const std::vector<float> sound(640 * 3, 0.25F);
  CHECK(lp_push_pcm(session, sound.data(), sound.size(), 16000) == LP_OK);
  CHECK(lp_flush(session) == LP_OK);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  lp_statistics statistics = {};
  statistics.struct_size = sizeof statistics;
  CHECK(lp_get_statistics(session, &statistics) == LP_OK);
  CHECK(statistics.frames_drawn == 0);
  CHECK(pictures.count == 1);
  lp_close(session);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  g_bundle = argv[1];
  g_engine = argv[2];
  shows_the_portrait_first(LP_FORMAT_RGBA8);
  shows_the_portrait_first(LP_FORMAT_BGRA8);
  shows_every_frame_and_keeps_the_last();
  premultiplies_what_is_transparent();
  outlives_the_session();
  takes_no_frame_after_stop();
  std::puts("all passed");
  return 0;
}
