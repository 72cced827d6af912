// Changes JSON Patches so that they still fit the manifest that they are for.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lp_fuzz {

// A patch near `text` (which need not be one): an operation more, fewer or changed. The same
// arguments give the same result.
std::string mutate_patch(const std::string& text, const nlohmann::json& manifest, unsigned seed);

}  // namespace lp_fuzz
