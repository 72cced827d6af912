#include "metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lp {
namespace {

// A part that hardly moves in a sequence is judged by the range that it has in life.
constexpr double kSmallestRangeDegrees = 10.0;
constexpr double kSmallestRange = 0.1;
constexpr double kIdenticalDb = 200.0;

struct Columns {
  std::size_t start;
  std::size_t stop;
  double span;
};

double max_abs(const float* expected, const float* got, std::size_t size) {
  double worst = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const double difference = std::abs(static_cast<double>(expected[i]) - got[i]);
    // Written so that NaN stays.
    if (!(difference <= worst)) worst = difference;
  }
  return worst;
}

double psnr_db(const float* expected, const float* got, std::size_t size) {
  double sum = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const double difference = static_cast<double>(expected[i]) - got[i];
    sum += difference * difference;
  }
  const double mean_square = sum / static_cast<double>(size);
  if (std::isnan(mean_square)) return mean_square;
  return -10.0 * std::log10(std::max(mean_square, std::pow(10.0, -kIdenticalDb / 10.0)));
}

std::vector<Columns> spans(const std::vector<float>& expected, std::size_t frames, std::size_t size,
                           const std::vector<MotionPart>& parts) {
  std::vector<Columns> result;
  for (const MotionPart& part : parts) {
    const double smallest = part.unit == "degrees" ? kSmallestRangeDegrees : kSmallestRange;
    result.push_back({std::min(size, static_cast<std::size_t>(part.start)),
                      std::min(size, static_cast<std::size_t>(part.stop)), smallest});
  }
  if (result.empty()) result.push_back({0, size, kSmallestRange});
  for (Columns& columns : result) {
    float low = std::numeric_limits<float>::infinity();
    float high = -low;
    for (std::size_t frame = 0; frame < frames; ++frame) {
      for (std::size_t i = columns.start; i < columns.stop; ++i) {
        low = std::min(low, expected[frame * size + i]);
        high = std::max(high, expected[frame * size + i]);
      }
    }
    columns.span = std::max(columns.span, static_cast<double>(high) - low);
  }
  return result;
}

double range_fraction(const float* expected, const float* got,
                      const std::vector<Columns>& columns) {
  double worst = 0.0;
  for (const Columns& part : columns) {
    const double fraction =
        max_abs(expected + part.start, got + part.start, part.stop - part.start) / part.span;
    if (!(fraction <= worst)) worst = fraction;
  }
  return worst;
}

}  // namespace

Agreement measure(const Threshold& threshold, const std::vector<float>& expected,
                  const std::vector<float>& got, std::size_t frames, std::size_t size,
                  const std::vector<MotionPart>& parts) {
  using Metric = Threshold::Metric;
  const std::vector<Columns> columns = threshold.metric == Metric::kRangeFraction
                                           ? spans(expected, frames, size, parts)
                                           : std::vector<Columns>();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Agreement agreement{threshold.at_most ? -kInfinity : kInfinity, 0.0, 0.0};
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const float* a = expected.data() + frame * size;
    const float* b = got.data() + frame * size;
    double figure = threshold.metric == Metric::kMaxAbs   ? max_abs(a, b, size)
                    : threshold.metric == Metric::kPsnrDb ? psnr_db(a, b, size)
                                                          : range_fraction(a, b, columns);
    if (std::isnan(figure)) figure = threshold.at_most ? kInfinity : -kInfinity;
    agreement.worst =
        threshold.at_most ? std::max(agreement.worst, figure) : std::min(agreement.worst, figure);
    agreement.mean += figure / static_cast<double>(frames);
    const double difference = max_abs(a, b, size);
    if (!(difference <= agreement.max_abs)) agreement.max_abs = difference;
  }
  return agreement;
}

bool meets(const Threshold& threshold, double worst) {
  return threshold.at_most ? worst <= threshold.bound : worst >= threshold.bound;
}

}  // namespace lp
