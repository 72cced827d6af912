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
  set_background({rgba, {}});
}

void Compositor::set_background_picture(const Picture& picture) {
  use_portrait_key();
  set_background({{0, 0, 0, 255}, cover(picture, width_, height_)});
}

void Compositor::set_background(Background background) {
  background_ = std::move(background);
  if (!paste_back_) return;
  // What lies beside the frame is keyed once.
  keyed_portrait_ = portrait_;
  for (std::size_t y = 0; y < height_; ++y) {
    key_->replace(keyed_portrait_.row(y), width_, *background_, 0, y);
  }
}

void Compositor::draw(const Picture* frame, const lp_surface& surface) {
  row_.resize(width_ * 4);
  if (paste_back_) {
    draw_portrait(frame, surface);
  } else {
    draw_bare(*frame, surface);
  }
}

// Row by row, so that all steps find the row in the processor's cache.
void Compositor::draw_portrait(const Picture* frame, const lp_surface& surface) {
  const Picture& still = background_ ? keyed_portrait_ : portrait_;
  const Box& box = paste_back_->box();
  const auto left = static_cast<std::size_t>(box.left);
  const auto right = static_cast<std::size_t>(box.right);
  for (std::size_t y = 0; y < height_; ++y) {
    std::uint8_t* const out = surface.pixels + y * surface.stride_bytes;
    const auto line = static_cast<std::int64_t>(y);
    if (frame == nullptr || line < box.top || line >= box.bottom) {
      write_row(still.row(y), out, width_, surface.format);
      continue;
    }
    write_row(still.row(y), out, left, surface.format);
    paste_back_->paste_row(*frame, line, portrait_.row(y), row_.data());
    if (background_) key_->replace(row_.data(), right - left, *background_, left, y);
    write_row(row_.data(), out + 4 * left, right - left, surface.format);
    write_row(still.row(y) + 4 * right, out + 4 * right, width_ - right, surface.format);
  }
}

void Compositor::draw_bare(const Picture& frame, const lp_surface& surface) {
  // Without a portrait the first frame says what the background's colour is.
  if (background_ && !key_) key_ = ChromaKey::from_picture(frame);
  for (std::size_t y = 0; y < height_; ++y) {
    const std::uint8_t* shown = frame.row(y);
    if (background_) {
      std::memcpy(row_.data(), shown, width_ * 4);
      key_->replace(row_.data(), width_, *background_, 0, y);
      shown = row_.data();
    }
    write_row(shown, surface.pixels + y * surface.stride_bytes, width_, surface.format);
  }
}

}  // namespace lp
