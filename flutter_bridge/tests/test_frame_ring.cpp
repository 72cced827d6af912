#include <doctest/doctest.h>

#include <set>

#include "frame_ring.h"

TEST_CASE("first in, first out, in the same memory") {
  lp::FrameRing ring(2, 4, 4);
  lp::Frame made;
  made.picture = lp::Picture(4, 4);
  lp::Frame drawn;
  drawn.picture = lp::Picture(4, 4);
  std::set<const std::uint8_t*> memory;
  for (int i = 0; i < 10; ++i) {
    made.index = i;
    memory.insert(made.picture.rgba.data());
    ring.push(made);
    if (i == 0) continue;
    CHECK(ring.full());
    CHECK(ring.at(0).index == i - 1);
    CHECK(ring.at(1).index == i);
    ring.pop(drawn);
    CHECK(drawn.index == i - 1);
  }
  // Two slots, the one being made and the one drawn: four pictures and no more.
  CHECK(memory.size() <= 4);
  ring.clear();
  CHECK(ring.size() == 0);
}
