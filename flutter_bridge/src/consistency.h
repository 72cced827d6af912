// Cross-checks of a manifest, and of one variant against the pipeline: what types cannot say.
#pragma once

#include <map>
#include <string>

#include "manifest.h"

namespace lp {

// Type, shape and layout of a value that flows through the pipeline.
struct ValueSpec {
  ElementType dtype;
  Shape shape;
  std::string layout;
};

// Throws Error(LP_ERROR_BUNDLE) at the first contradiction.
void check_manifest(const Manifest& manifest);

// Every value of the pipeline when it runs this variant's graphs (which must have been checked).
std::map<std::string, ValueSpec> all_values(const Pipeline& pipeline, const Variant& variant);

}  // namespace lp
