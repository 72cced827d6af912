// The text of the last error on each thread, for lp_last_error.
#pragma once

#include <string>

namespace lp {

// The calling thread's text; never null.
const std::string& last_error() noexcept;

// Cuts the text rather than failing when memory is short.
void set_last_error(const char* text) noexcept;

}  // namespace lp
