#include <doctest/doctest.h>

#include "error.h"
#include "manifest.h"

namespace {

lp_status status_of(const std::string& text) {
  try {
    lp::parse_manifest(text);
  } catch (const lp::Error& error) {
    return error.status();
  }
  return LP_OK;
}

}  // namespace

TEST_CASE("texts that are no manifest") {
  CHECK(status_of("") == LP_ERROR_BUNDLE);
  CHECK(status_of("null") == LP_ERROR_BUNDLE);
  CHECK(status_of("\xff\xfe") == LP_ERROR_BUNDLE);
  CHECK(status_of("{\"schema_version\": \"1\"}") == LP_ERROR_BUNDLE);
  CHECK(status_of("{\"schema_version\": 0}") == LP_ERROR_BUNDLE);
  CHECK(status_of("{\"schema_version\": 18446744073709551615}") == LP_ERROR_BUNDLE);
  CHECK(status_of("{\"schema_version\": 2, \"unknown\": []}") == LP_ERROR_SCHEMA);
}

TEST_CASE("nesting of any depth neither crashes nor passes") {
  const std::string deep(200000, '[');
  CHECK(status_of(deep) == LP_ERROR_BUNDLE);
  CHECK(status_of("{\"schema_version\": 1, \"name\": " + deep + std::string(200000, ']') + "}") ==
        LP_ERROR_BUNDLE);
}
