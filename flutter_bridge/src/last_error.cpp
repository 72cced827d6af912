#include "last_error.h"

#include <new>

namespace lp {
namespace {

std::string& text_of_this_thread() noexcept {
  thread_local std::string text;
  return text;
}

}  // namespace

const std::string& last_error() noexcept { return text_of_this_thread(); }

void set_last_error(const char* text) noexcept {
  try {
    text_of_this_thread().assign(text);
  } catch (const std::bad_alloc&) {
    // An empty text is better than a wrong one; the status still tells what happened.
    text_of_this_thread().clear();
  }
}

}  // namespace lp
