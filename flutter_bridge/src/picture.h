// 8-bit RGBA pictures, and reading them from files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lp {

// Rows without gaps, four bytes a pixel. Alpha is 255 unless a comment says otherwise.
struct Picture {
  std::size_t width = 0;
  std::size_t height = 0;
  std::vector<std::uint8_t> rgba;

  Picture() = default;
  Picture(std::size_t w, std::size_t h) : width(w), height(h), rgba(w * h * 4, 255) {}

  std::uint8_t* row(std::size_t y) { return rgba.data() + y * width * 4; }
  const std::uint8_t* row(std::size_t y) const { return rgba.data() + y * width * 4; }
  bool empty() const { return rgba.empty(); }
};

// The RGB picture (PNG, JPEG) in a file. Throws Error(LP_ERROR_BUNDLE) when it is missing, damaged
// or too large.
Picture read_picture(const std::string& path);

// The grey levels of a picture, one byte a pixel.
struct GreyPicture {
  std::size_t width = 0;
  std::size_t height = 0;
  std::vector<std::uint8_t> levels;
};
GreyPicture read_grey_picture(const std::string& path);

}  // namespace lp
