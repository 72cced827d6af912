// Which of a bundle's variants is played, and the engine that plays it.
#pragma once

#include <memory>
#include <string>

#include "engine.h"
#include "manifest.h"

namespace lp {

struct ChosenVariant {
  const Variant* variant;
  std::unique_ptr<Engine> engine;
};

// The variant that `target` and `precision` name; an empty one leaves the choice: the first target
// in the order of this build's engines whose engine can be loaded, and of it fp32 or else the
// variant listed first. The engine's execution providers are the variant's where `options` has
// none. Throws Error(LP_ERROR_UNSUPPORTED) where no variant fits, and make_engine's errors.
ChosenVariant choose_variant(const Manifest& manifest, const std::string& target,
                             const std::string& precision, const EngineOptions& options);

}  // namespace lp
