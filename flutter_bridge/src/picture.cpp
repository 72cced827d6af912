#include "picture.h"

#include <memory>

#include "bundle_files.h"
#include "error.h"
#include "stb_image_config.h"

#include <stb_image.h>

namespace lp {
namespace {

constexpr std::uint64_t kMaxFileBytes = 256u << 20;
constexpr std::int64_t kMaxPixels = 64'000'000;

struct Decoded {
  std::size_t width;
  std::size_t height;
  std::unique_ptr<stbi_uc, void (*)(void*)> pixels;
};

Decoded decode(const std::string& path, int channels) {
  const std::string content = read_file(path, kMaxFileBytes);
  const auto* bytes = reinterpret_cast<const stbi_uc*>(content.data());
  const int size = static_cast<int>(content.size());
  int width = 0;
  int height = 0;
  int found = 0;
  const bool known = stbi_info_from_memory(bytes, size, &width, &height, &found) != 0;
  if (known && static_cast<std::int64_t>(width) * height > kMaxPixels) {
    throw Error(LP_ERROR_BUNDLE, {"A picture of the bundle is too large.", path,
                                  std::to_string(kMaxPixels) + " pixels at most",
                                  std::to_string(width) + " x " + std::to_string(height)});
  }
  stbi_uc* pixels =
      known ? stbi_load_from_memory(bytes, size, &width, &height, &found, channels) : nullptr;
  if (pixels == nullptr) {
    throw Error(LP_ERROR_BUNDLE,
                {"A picture of the bundle cannot be decoded.", path, "an intact PNG or JPEG",
                 "something else", "copy or build the bundle again"});
  }
  return {
      static_cast<std::size_t>(width), static_cast<std::size_t>(height), {pixels, stbi_image_free}};
}

}  // namespace

Picture read_picture(const std::string& path) {
  const Decoded decoded = decode(path, 3);
  Picture picture(decoded.width, decoded.height);
  for (std::size_t i = 0; i < decoded.width * decoded.height; ++i) {
    for (std::size_t c = 0; c < 3; ++c) picture.rgba[4 * i + c] = decoded.pixels.get()[3 * i + c];
  }
  return picture;
}

GreyPicture read_grey_picture(const std::string& path) {
  const Decoded decoded = decode(path, 1);
  GreyPicture picture{decoded.width, decoded.height, {}};
  picture.levels.assign(decoded.pixels.get(),
                        decoded.pixels.get() + decoded.width * decoded.height);
  return picture;
}

}  // namespace lp
