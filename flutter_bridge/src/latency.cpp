#include "latency.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace lp {

void Latency::add(double milliseconds) {
  if (count_ == 0) {
    first_ = milliseconds;
  } else {
    recent_[(count_ - 1) % recent_.size()] = milliseconds;
  }
  ++count_;
}

Latency::Summary Latency::summary() const {
  Summary summary;
  if (count_ == 0) return summary;
  summary.first = first_;
  const std::uint64_t others = std::min<std::uint64_t>(count_ - 1, recent_.size());
  std::vector<double> sorted(recent_.begin(),
                             recent_.begin() + static_cast<std::ptrdiff_t>(others));
  if (sorted.empty()) sorted.push_back(first_);
  std::sort(sorted.begin(), sorted.end());
  // The smallest duration that at least this share does not exceed.
  const auto percentile = [&](double share) {
    const double rank = std::ceil(share * static_cast<double>(sorted.size()));
    return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
  };
  summary.p50 = percentile(0.50);
  summary.p95 = percentile(0.95);
  summary.p99 = percentile(0.99);
  summary.worst = sorted.back();
  return summary;
}

}  // namespace lp
