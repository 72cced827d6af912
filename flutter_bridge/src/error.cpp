#include "error.h"

namespace lp {

Error::Error(lp_status status, const ErrorText& text) : status_(status), message_(text.what) {
  const std::pair<const char*, const std::string*> answers[] = {
      {"where:    ", &text.where},
      {"expected: ", &text.expected},
      {"got:      ", &text.got},
      {"next:     ", &text.next},
  };
  for (const auto& [label, answer] : answers) {
    if (!answer->empty()) message_ += std::string("\n  ") + label + *answer;
  }
}

}  // namespace lp
