// Playing a bundle from the first sample to the last frame, with a watch in hand.
#pragma once

#include <nlohmann/json.hpp>

#include "arguments.h"

namespace lp_play {

// A call of the library failed; the text is the library's.
class CallError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Play and report. Throws UsageError and CallError.
nlohmann::json perform(const Arguments& arguments);

}  // namespace lp_play
