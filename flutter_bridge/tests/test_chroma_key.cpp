#include <doctest/doctest.h>

#include "chroma_key.h"
#include "error.h"

namespace {

lp::Picture plain(std::size_t width, std::size_t height, std::uint8_t r, std::uint8_t g,
                  std::uint8_t b) {
  lp::Picture picture(width, height);
  for (std::size_t i = 0; i < width * height; ++i) {
    picture.rgba[4 * i] = r, picture.rgba[4 * i + 1] = g, picture.rgba[4 * i + 2] = b;
  }
  return picture;
}

void replace_all(lp::ChromaKey& key, lp::Picture& picture, const lp::Background& background) {
  for (std::size_t y = 0; y < picture.height; ++y) {
    key.replace(picture.row(y), picture.width, background, 0, y);
  }
}

}  // namespace

TEST_CASE("the background goes, the figure stays") {
  lp::Picture picture = plain(32, 32, 0, 255, 0);
  for (std::size_t x = 8; x < 24; ++x) {
    std::uint8_t* pixel = picture.row(20) + 4 * x;
    pixel[0] = 200, pixel[1] = 120, pixel[2] = 90;
  }
  lp::ChromaKey key = lp::ChromaKey::from_picture(picture);
  replace_all(key, picture, {{1, 2, 3, 0}, {}});
  const std::uint8_t* corner = picture.row(0);
  CHECK(corner[0] == 1);
  CHECK(corner[3] == 0);
  const std::uint8_t* figure = picture.row(20) + 4 * 10;
  CHECK(figure[0] == 200);
  CHECK(figure[1] == 120);
  CHECK(figure[3] == 255);
}

TEST_CASE("corners of many colours are refused") {
  lp::Picture picture(32, 32);
  for (std::size_t i = 0; i < picture.rgba.size(); ++i) {
    picture.rgba[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
  }
  CHECK_THROWS_AS(lp::ChromaKey::from_picture(picture), lp::Error);
}

TEST_CASE("pictures of one pixel work") {
  lp::Picture picture = plain(1, 1, 10, 20, 30);
  lp::ChromaKey key = lp::ChromaKey::from_picture(picture);
  replace_all(key, picture, {{7, 8, 9, 255}, {}});
  CHECK(picture.rgba[0] == 7);
}

TEST_CASE("a background covers its surface from its centre") {
  lp::Picture picture = plain(30, 10, 0, 0, 0);
  for (std::size_t y = 0; y < 10; ++y) picture.row(y)[4 * 15] = 255;
  const lp::Picture same = lp::cover(picture, 10, 10);
  CHECK(same.row(5)[4 * 5] == 255);
  CHECK(same.row(5)[4 * 4] == 0);
  const lp::Picture one = lp::cover(plain(3, 3, 9, 8, 7), 200, 1);
  CHECK(one.row(0)[4 * 199] == 9);
}
