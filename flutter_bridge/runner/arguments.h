// What lp_play was asked to do.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace lp_play {

// Something that the user can put right; the text says what.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Arguments {
  std::string bundle;
  // Empty: noise.
  std::string sound;
  std::string target;
  std::string precision;
  std::string provider;
  std::string engine;
  // Where frames and watched values are written; empty: nowhere.
  std::string dump;
  std::vector<std::string> values;
  std::uint32_t threads = 0;
  // 0: all of the sound.
  std::uint64_t frames = 0;
  double max_seconds = 60.0;
  bool is_portrait = true;
  bool is_real_time = false;
  bool is_help = false;
};

extern const char* const kUsage;

// Throws UsageError.
Arguments parse_arguments(int count, char** words);

}  // namespace lp_play
