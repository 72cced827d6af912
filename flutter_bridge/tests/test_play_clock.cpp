#include <doctest/doctest.h>

#include "play_clock.h"

using std::chrono::milliseconds;

TEST_CASE("frames are due one period apart, from the one that started the clock") {
  lp::PlayClock clock(25.0);
  const lp::PlayClock::Time start{milliseconds(1000)};
  CHECK(!clock.runs(0));
  clock.start(0, 3, start);
  CHECK(clock.runs(0));
  CHECK(!clock.runs(1));
  CHECK(clock.due(3) == start);
  CHECK(clock.due(5) == start + milliseconds(80));
  CHECK(!clock.too_late(3, start + milliseconds(39)));
  CHECK(clock.too_late(3, start + milliseconds(40)));
  clock.stop();
  CHECK(!clock.runs(0));
}

TEST_CASE("waiting for sound moves the clock, and never back") {
  lp::PlayClock clock(25.0);
  const lp::PlayClock::Time start{milliseconds(0)};
  clock.start(0, 0, start);
  clock.wait_for(10, start + milliseconds(100));
  CHECK(clock.due(10) == start + milliseconds(400));
  clock.wait_for(10, start + milliseconds(900));
  CHECK(clock.due(10) == start + milliseconds(900));
}
