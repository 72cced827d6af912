#include <doctest/doctest.h>

#include "latency.h"

TEST_CASE("nothing measured is all zero") { CHECK(lp::Latency().summary().worst == 0.0); }

TEST_CASE("the first duration is reported apart") {
  lp::Latency latency;
  latency.add(900.0);
  CHECK(latency.summary().p50 == 900.0);
  for (int i = 1; i <= 100; ++i) latency.add(i);
  const auto summary = latency.summary();
  CHECK(summary.first == 900.0);
  CHECK(summary.p50 == 50.0);
  CHECK(summary.p95 == 95.0);
  CHECK(summary.p99 == 99.0);
  CHECK(summary.worst == 100.0);
}

TEST_CASE("only the last 1024 count") {
  lp::Latency latency;
  for (int i = 0; i < 3000; ++i) latency.add(i);
  CHECK(latency.summary().worst == 2999.0);
  CHECK(latency.summary().p50 > 2400.0);
}
