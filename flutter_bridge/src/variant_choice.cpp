#include "variant_choice.h"

#include <exception>

#include "error.h"

namespace lp {
namespace {

// fp32 where it fits, else the first that fits; null where none does.
const Variant* find_variant(const Manifest& manifest, const std::string& target,
                            const std::string& precision) {
  const Variant* chosen = nullptr;
  for (const Variant& variant : manifest.variants) {
    if (variant.target != target) continue;
    if (!precision.empty() && variant.precision != precision) continue;
    if (chosen == nullptr || (variant.precision == "fp32" && chosen->precision != "fp32")) {
      chosen = &variant;
    }
  }
  return chosen;
}

[[noreturn]] void nothing_fits(const Manifest& manifest, const std::string& target,
                               const std::string& precision) {
  std::string offered;
  for (const Variant& variant : manifest.variants) {
    offered += (offered.empty() ? "" : ", ") + variant.target + " " + variant.precision;
  }
  const auto or_any = [](const std::string& text) { return text.empty() ? "any" : text; };
  throw Error(LP_ERROR_UNSUPPORTED,
              {"The bundle has no variant that fits.", "manifest.json: variants", offered,
               or_any(target) + " " + or_any(precision),
               "choose one that it has, or build the bundle with it"});
}

std::unique_ptr<Engine> engine_of(const Variant& variant, EngineOptions options) {
  if (options.execution_providers.empty()) {
    options.execution_providers = variant.execution_providers;
  }
  return make_engine(variant.target, options);
}

}  // namespace

ChosenVariant choose_variant(const Manifest& manifest, const std::string& target,
                             const std::string& precision, const EngineOptions& options) {
  std::exception_ptr first_failure;
  const auto targets = target.empty() ? engine_targets() : std::vector<std::string>{target};
  for (const std::string& candidate : targets) {
    const Variant* variant = find_variant(manifest, candidate, precision);
    if (variant == nullptr) continue;
    try {
      return {variant, engine_of(*variant, options)};
    } catch (const Error& error) {
      const bool is_absent = error.status() == LP_ERROR_ENGINE_ABSENT ||
                             error.status() == LP_ERROR_ENGINE_TOO_OLD;
      if (!is_absent) throw;
      if (first_failure == nullptr) first_failure = std::current_exception();
    }
  }
  if (first_failure != nullptr) std::rethrow_exception(first_failure);
  nothing_fits(manifest, target, precision);
}

}  // namespace lp
