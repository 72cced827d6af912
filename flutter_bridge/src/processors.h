// How many threads an engine gets.
#pragma once

namespace lp {

// What the caller asked for, or for 0 the processors this process may use, 8 at most.
unsigned engine_threads(unsigned wanted);

}  // namespace lp
