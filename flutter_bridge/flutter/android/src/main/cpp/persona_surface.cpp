// Copies a session's pictures into the window of an Android Surface.
//
// Called by PersonaTexture.kt; `handle` is the address of a PersonaSurface that only it holds.
#include <android/native_window.h>
#include <android/native_window_jni.h>
#include <jni.h>
#include <lp_bridge.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>

#include "texture_feed.h"

namespace {

using lp_pack_flutter::TextureFeed;
using lp_pack_flutter::TexturePicture;

class PersonaSurface {
 public:
  explicit PersonaSurface(lp_session* session)
      : feed_(session, LP_FORMAT_RGBA8, [this] { show(); }) {
    feed_.start();
  }

  ~PersonaSurface() {
    feed_.stop();
    set_window(nullptr);
  }

  std::uint32_t width_px() const { return feed_.width_px(); }
  std::uint32_t height_px() const { return feed_.height_px(); }
  void redraw() { feed_.redraw(); }

  // Takes over the reference to the window; null while the app has no surface.
  void set_window(ANativeWindow* window) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (window_ != nullptr) ANativeWindow_release(window_);
      window_ = window;
      if (window_ != nullptr) {
        ANativeWindow_setBuffersGeometry(window_, static_cast<int32_t>(width_px()),
                                         static_cast<int32_t>(height_px()),
                                         WINDOW_FORMAT_RGBA_8888);
      }
    }
    // A new surface is empty.
    feed_.redraw();
  }

 private:
  // Runs on the feed's thread.
  void show() {
    const std::lock_guard<std::mutex> lock(mutex_);
    TexturePicture picture;
    if (window_ == nullptr || !feed_.latest(&picture)) return;
    ANativeWindow_Buffer buffer;
    if (ANativeWindow_lock(window_, &buffer, nullptr) != 0) return;
    const std::size_t stride = std::size_t{4} * static_cast<std::size_t>(buffer.stride);
    const std::size_t row =
        std::size_t{4} * std::min(picture.width_px, static_cast<std::uint32_t>(buffer.width));
    const auto rows = std::min(picture.height_px, static_cast<std::uint32_t>(buffer.height));
    auto* to = static_cast<std::uint8_t*>(buffer.bits);
    for (std::uint32_t y = 0; y < rows; ++y) {
      std::memcpy(to + y * stride, picture.pixels + std::size_t{4} * y * picture.width_px, row);
    }
    ANativeWindow_unlockAndPost(window_);
  }

  std::mutex mutex_;
  ANativeWindow* window_ = nullptr;
  // The last member: its thread uses the others.
  TextureFeed feed_;
};

PersonaSurface* surface_of(jlong handle) {
  return reinterpret_cast<PersonaSurface*>(static_cast<intptr_t>(handle));
}

}  // namespace

extern "C" {

JNIEXPORT jlong JNICALL Java_lp_1pack_flutter_PersonaTexture_open(JNIEnv*, jclass, jlong session) {
  auto* ticket = reinterpret_cast<lp_session*>(static_cast<intptr_t>(session));
  auto surface = std::make_unique<PersonaSurface>(ticket);
  if (surface->width_px() == 0) return 0;
  return static_cast<jlong>(reinterpret_cast<intptr_t>(surface.release()));
}

JNIEXPORT jint JNICALL Java_lp_1pack_flutter_PersonaTexture_width(JNIEnv*, jclass, jlong handle) {
  return static_cast<jint>(surface_of(handle)->width_px());
}

JNIEXPORT jint JNICALL Java_lp_1pack_flutter_PersonaTexture_height(JNIEnv*, jclass, jlong handle) {
  return static_cast<jint>(surface_of(handle)->height_px());
}

JNIEXPORT void JNICALL Java_lp_1pack_flutter_PersonaTexture_setSurface(JNIEnv* env, jclass,
                                                                       jlong handle,
                                                                       jobject surface) {
  ANativeWindow* window =
      surface == nullptr ? nullptr : ANativeWindow_fromSurface(env, surface);
  surface_of(handle)->set_window(window);
}

JNIEXPORT void JNICALL Java_lp_1pack_flutter_PersonaTexture_redraw(JNIEnv*, jclass, jlong handle) {
  surface_of(handle)->redraw();
}

JNIEXPORT void JNICALL Java_lp_1pack_flutter_PersonaTexture_close(JNIEnv*, jclass, jlong handle) {
  delete surface_of(handle);
}

}  // extern "C"
