#include "compositor.h"

#include <algorithm>
#include <cstring>

#include "error.h"

namespace lp {
namespace {

void write_row(const std::uint8_t* from, std::uint8_t* to, std::size_t width, int32_t format) {
  if (format == LP_FORMAT_RGBA8) {
    std::memcpy(to, from, width * 4);
    return;
  }
  for (std::size_t x = 0; x < width; ++x) {
    std::uint32_t pixel;
    std::memcpy(&pixel, from + 4 * x, 4);
    pixel = (pixel & 0xff00ff00u) | (pixel >> 16 & 0xffu) | (pixel & 0xffu) << 16;
    std::memcpy(to + 4 * x, &pixel, 4);
  }
}

}  // namespace

Compositor::Compositor(const Bundle& bundle, int picture) {
  const FrameFormat& frame = bundle.manifest().pipeline.frame;
  width_ = static_cast<std::size_t>(frame.width);
  height_ = static_cast<std::size_t>(frame.height);
  const auto& spec = bundle.manifest().paste_back;
  if (!spec) return;
  portrait_ = read_picture(bundle.asset(spec->portrait));
  if (picture != LP_PICTURE_PORTRAIT) return;
  const GreyPicture mask = read_grey_picture(bundle.asset(spec->mask));
  if (mask.width != width_ || mask.height != height_) {
    throw Error(LP_ERROR_BUNDLE,
                {"The paste-back mask has another size than the frame.", spec->mask,
                 std::to_string(width_) + " x " + std::to_string(height_),
                 std::to_string(mask.width) + " x " + std::to_string(mask.height),
                 "build the bundle again"});
  }
  paste_back_ = std::make_unique<PasteBack>(portrait_, mask, spec->frame_to_portrait);
  pasted_ = portrait_;
  width_ = portrait_.width;
  height_ = portrait_.height;
}

bool Compositor::has_plain_background() const {
  if (portrait_.empty()) return false;
  try {
    ChromaKey::from_picture(portrait_);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void Compositor::use_portrait_key() {
  if (!key_ && !portrait_.empty()) key_ = ChromaKey::from_picture(portrait_);
}

void Compositor::set_background_color(const std::array<std::uint8_t, 4>& rgba) {
  use_portrait_key();
  background_ = Background{rgba, {}};
}

void Compositor::set_background_picture(const Picture& picture) {
  use_portrait_key();
  background_ = Background{{0, 0, 0, 255}, cover(picture, width_, height_)};
}

const Picture& Compositor::compose(const Picture* frame) {
  const Picture* shown = frame;
  if (paste_back_) {
    if (frame != nullptr) {
      paste_back_->paste(*frame, pasted_);
      shown = &pasted_;
    } else {
      shown = &portrait_;
    }
  }
  if (!background_) return *shown;
  // Without a portrait the first frame says what the background's colour is.
  if (!key_) key_ = ChromaKey::from_picture(*shown);
  keyed_ = *shown;
  key_->replace(keyed_, *background_, 0, keyed_.height);
  return keyed_;
}

void Compositor::draw(const Picture* frame, const lp_surface& surface) {
  const Picture& picture = compose(frame);
  for (std::size_t y = 0; y < height_; ++y) {
    write_row(picture.row(y), surface.pixels + y * surface.stride_bytes, width_, surface.format);
  }
}

}  // namespace lp
