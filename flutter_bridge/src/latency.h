// Percentiles of the last durations, in memory of fixed size (lp_runtime/latency.py).
#pragma once

#include <array>
#include <cstdint>

namespace lp {

class Latency {
 public:
  struct Summary {
    double first = 0.0;
    double p50 = 0.0;
    double p95 = 0.0;
    double p99 = 0.0;
    double worst = 0.0;
  };

  void add(double milliseconds);

  // The first duration pays for caches and allocation: it is reported apart, and counts among the
  // others only while it is alone.
  Summary summary() const;

 private:
  std::array<double, 1024> recent_ = {};
  std::uint64_t count_ = 0;
  double first_ = 0.0;
};

}  // namespace lp
