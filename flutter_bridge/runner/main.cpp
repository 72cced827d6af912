// lp_play: plays a bundle through lp_bridge.h and prints, as JSON, what it cost.
#include <cstdio>

#include "performance.h"

// 0: a report on standard output. 1: the library refused. 2: the command line is wrong.
int main(int argc, char** argv) {
  try {
    const lp_play::Arguments arguments = lp_play::parse_arguments(argc, argv);
    if (arguments.is_help) {
      std::fputs(lp_play::kUsage, stdout);
      return 0;
    }
    std::puts(lp_play::perform(arguments).dump().c_str());
    return 0;
  } catch (const lp_play::UsageError& error) {
    std::fprintf(stderr, "lp_play: %s\n%s", error.what(), lp_play::kUsage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lp_play: %s\n", error.what());
    return 1;
  }
}
