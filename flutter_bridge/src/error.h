// Errors that a caller can act on: a status for the program, five answers for the person.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "lp_bridge.h"

namespace lp {

// What happened, where, what was expected, what was found, what to do next; empty ones are left
// out.
struct ErrorText {
  std::string what;
  std::string where = {};
  std::string expected = {};
  std::string got = {};
  std::string next = {};
};

// Thrown inside the library only; lp_bridge.cpp turns it into a status and a text.
class Error : public std::exception {
 public:
  Error(lp_status status, const ErrorText& text);

  lp_status status() const noexcept { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  lp_status status_;
  std::string message_;
};

}  // namespace lp
