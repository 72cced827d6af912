#include "processors.h"

#include <algorithm>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace lp {
namespace {

constexpr unsigned kMaxDefaultThreads = 8;

unsigned available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

unsigned engine_threads(unsigned wanted) {
  return wanted != 0 ? wanted : std::min(available_processors(), kMaxDefaultThreads);
}

}  // namespace lp
