#include <doctest/doctest.h>

#include <cmath>

#include "half.h"

TEST_CASE("every half survives the way through float") {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = lp::float_from_half(half);
    if (std::isnan(value)) {
      CHECK(std::isnan(lp::float_from_half(lp::half_from_float(value))));
    } else {
      REQUIRE(lp::half_from_float(value) == half);
    }
  }
}

TEST_CASE("rounds to nearest, ties to even") {
  const float step = std::ldexp(1.0f, -10);
  CHECK(lp::half_from_float(1.0f + 0.5f * step) == 0x3c00);
  CHECK(lp::half_from_float(1.0f + 1.5f * step) == 0x3c02);
  CHECK(lp::half_from_float(1.0f + 0.51f * step) == 0x3c01);
  CHECK(lp::half_from_float(65519.0f) == 0x7bff);
  CHECK(lp::half_from_float(65520.0f) == 0x7c00);
  CHECK(lp::half_from_float(std::ldexp(1.0f, -25)) == 0);
  CHECK(lp::half_from_float(std::ldexp(1.1f, -25)) == 1);
  CHECK(lp::half_from_float(-INFINITY) == 0xfc00);
}
