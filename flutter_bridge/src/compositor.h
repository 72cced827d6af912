// From a frame's pixels to the picture that is shown: paste-back, background, the caller's format.
#pragma once

#include <memory>
#include <optional>

#include "bundle.h"
#include "chroma_key.h"
#include "lp_bridge.h"
#include "paste_back.h"
#include "picture.h"

namespace lp {

// One thread at a time.
class Compositor {
 public:
  // `picture` is LP_PICTURE_... Throws Error(LP_ERROR_BUNDLE) when an asset cannot be used.
  Compositor(const Bundle& bundle, int picture);

  std::size_t width() const { return width_; }
  std::size_t height() const { return height_; }
  bool has_portrait() const { return paste_back_ != nullptr; }
  // Whether the portrait's background is plain enough to be replaced.
  bool has_plain_background() const;

  // Show the figure as it is.
  void clear_background() { background_.reset(); }
  // Throws Error(LP_ERROR_UNSUPPORTED) when there is no plain background to replace.
  void set_background_color(const std::array<std::uint8_t, 4>& rgba);
  void set_background_picture(const Picture& picture);

  // Draw the frame, or without one the portrait as it is. The surface must have been checked.
  void draw(const Picture* frame, const lp_surface& surface);

 private:
  void draw_portrait(const Picture* frame, const lp_surface& surface);
  void draw_bare(const Picture& frame, const lp_surface& surface);
  void use_portrait_key();
  void set_background(Background background);

  std::size_t width_;
  std::size_t height_;
  Picture portrait_;
  std::unique_ptr<PasteBack> paste_back_;
  // The portrait with its background replaced, where it is to be.
  Picture keyed_portrait_;
  // A row at work.
  std::vector<std::uint8_t> row_;
  std::optional<ChromaKey> key_;
  std::optional<Background> background_;
};

}  // namespace lp
