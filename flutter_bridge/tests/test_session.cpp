// A whole session through the C ABI, with all its threads: what sanitizers should look at.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "lp_bridge.h"

namespace {

const char* bundle() { return std::getenv("LP_TEST_BUNDLE"); }

lp_session* open(int32_t pacing = LP_PACING_NONE) {
  lp_open_options options = {};
  options.struct_size = sizeof options;
  options.abi_version = LP_ABI_VERSION;
  options.thread_count = 1;
  options.frame_capacity = 2;
  options.pacing = pacing;
  lp_session* session = nullptr;
  const lp_status status = lp_open(bundle(), &options, &session);
  char text[1024];
  lp_last_error(text, sizeof text, nullptr);
  REQUIRE_MESSAGE(status == LP_OK, text);
  return session;
}

struct Canvas {
  explicit Canvas(lp_session* session) {
    lp_info info = {};
    info.struct_size = sizeof info;
    REQUIRE(lp_get_info(session, &info) == LP_OK);
    pixels.resize(std::size_t{info.width_px} * info.height_px * 4);
    surface.struct_size = sizeof surface;
    surface.format = LP_FORMAT_BGRA8;
    surface.width_px = info.width_px;
    surface.height_px = info.height_px;
    surface.stride_bytes = info.width_px * 4;
    surface.capacity_bytes = pixels.size();
    surface.pixels = pixels.data();
    frame.struct_size = sizeof frame;
  }

  std::vector<uint8_t> pixels;
  lp_surface surface = {};
  lp_frame_info frame = {};
};

const std::vector<float> kSound(640 * 8, 0.1f);

void count_event(int64_t counter, int32_t, int64_t) {
  reinterpret_cast<std::atomic<int>*>(static_cast<intptr_t>(counter))->fetch_add(1);
}

}  // namespace

TEST_SUITE("session" * doctest::skip(std::getenv("LP_TEST_BUNDLE") == nullptr)) {
  TEST_CASE("an utterance from sound to pictures") {
    lp_session* session = open();
    Canvas canvas(session);
    REQUIRE(lp_watch(session, "motion") == LP_OK);
    REQUIRE(lp_push_pcm(session, kSound.data(), kSound.size(), 16000) == LP_OK);
    REQUIRE(lp_flush(session) == LP_OK);
    int frames = 0;
    while (canvas.frame.is_last == 0) {
      REQUIRE(lp_render(session, &canvas.surface, 60000, &canvas.frame) == LP_OK);
      ++frames;
    }
    CHECK(frames == 8);
    float motion[70];
    CHECK(lp_read_value(session, "motion", motion, 70, nullptr) == LP_OK);
    lp_close(session);
  }

  TEST_CASE("every thread calls everything until one closes") {
    for (const int32_t pacing : {LP_PACING_NONE, LP_PACING_REAL_TIME}) {
      lp_session* session = open(pacing);
      std::atomic<int> events{0};
      REQUIRE(lp_set_callback(session, count_event,
                              static_cast<int64_t>(reinterpret_cast<intptr_t>(&events))) == LP_OK);
      std::vector<std::thread> threads;
      threads.emplace_back([session] {
        for (int i = 0; i < 200; ++i) {
          lp_push_pcm(session, kSound.data(), kSound.size(), 16000);
          lp_flush(session);
        }
      });
      for (int painter = 0; painter < 2; ++painter) {
        threads.emplace_back([session] {
          Canvas canvas(session);
          while (lp_render(session, &canvas.surface, 5, &canvas.frame) >= LP_OK) {
            lp_render_again(session, &canvas.surface);
            float motion[70];
            lp_watch(session, "motion");
            lp_read_value(session, "motion", motion, 70, nullptr);
          }
        });
      }
      threads.emplace_back([session, &events] {
        lp_background background = {};
        background.struct_size = sizeof background;
        lp_statistics statistics = {};
        statistics.struct_size = sizeof statistics;
        for (int i = 0; i < 100; ++i) {
          lp_set_emotion(session, i % 2 ? "happy" : "sad", 0.5f);
          background.kind = i % 2;
          lp_set_background(session, &background);
          lp_get_statistics(session, &statistics);
          if (i % 10 == 0) lp_reset(session);
          std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        lp_self_check_result result = {};
        result.struct_size = sizeof result;
        lp_self_check(session, &result);
        // On a busy machine every frame so far may have been overtaken by a reset.
        for (int i = 0; i < 2000 && events == 0; ++i) {
          lp_push_pcm(session, kSound.data(), kSound.size(), 16000);
          std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        lp_close(session);
      });
      for (std::thread& thread : threads) thread.join();
      lp_close(session);
      CHECK(events > 0);
    }
  }

  TEST_CASE("many sessions at once") {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int round = 0; round < 3; ++round) {
          lp_session* session = nullptr;
          if (lp_open(bundle(), nullptr, &session) != LP_OK) continue;
          lp_push_pcm(session, kSound.data(), kSound.size(), 16000);
          lp_close(session);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}
