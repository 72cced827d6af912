#include "patch_mutator.h"

#include <cstddef>
#include <random>
#include <vector>

namespace lp_fuzz {
namespace {

using nlohmann::json;
using Random = std::mt19937;

constexpr std::size_t kMostOperations = 6;

std::size_t below(Random& random, std::size_t limit) { return random() % limit; }

// Paths of every object, list, text and number of a document.
void list_paths(const json& value, const json::json_pointer& path, std::vector<std::string>& out) {
  out.push_back(path.to_string());
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) list_paths(child, path / key, out);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) list_paths(value[i], path / i, out);
  }
}

// Values at which readers go wrong.
json troublesome(Random& random) {
  static const std::vector<json> values = {
      0, 1, -1, 2, 63, 64, 70, 16384, 65536, 268435456, 2147483647, -2147483648LL, 4294967295LL,
      4294967296LL, 9223372036854775807LL, 18446744073709551615ULL, 0.0, -0.0, 0.5, 1e-12, 1e30,
      1e308, nullptr, true, false, "", ".", "..", "../../etc/passwd", "/etc/passwd",
      "manifest.json", "graphs", "assets/mask.png", "float32", "float16", "int64", "uint8", "NCHW",
      "NHWC", "audio", "control", "reference", "max_abs", "psnr_db", "onnx", "coreml", "xnnpack",
      json::array(), json::object(), json::array({0}), json::array({1, 3, 16, 16}),
      json::array({1, 16, 16, 3}), std::string(1000, 'a'), "\xc3\xa9\n\"",
  };
  return values[below(random, values.size())];
}

json new_operation(const std::vector<std::string>& paths, Random& random) {
  const std::string& path = paths[below(random, paths.size())];
  const std::string& other = paths[below(random, paths.size())];
  switch (below(random, 8)) {
    case 0:
      return {{"op", "remove"}, {"path", path}};
    case 1:
      return {{"op", "copy"}, {"from", other}, {"path", path}};
    case 2:
      return {{"op", "move"}, {"from", other}, {"path", path}};
    case 3:
      return {{"op", "copy"}, {"from", path}, {"path", path.substr(0, path.rfind('/')) + "/-"}};
    case 4:
      return {{"op", "add"}, {"path", path + "/new"}, {"value", troublesome(random)}};
    default:
      return {{"op", "replace"}, {"path", path}, {"value", troublesome(random)}};
  }
}

}  // namespace

std::string mutate_patch(const std::string& text, const json& manifest, unsigned seed) {
  Random random(seed);
  static const std::vector<std::string> paths = [&] {
    std::vector<std::string> found;
    list_paths(manifest, json::json_pointer(), found);
    return found;
  }();
  json patch = json::parse(text, nullptr, false);
  if (!patch.is_array()) patch = json::array();
  const std::size_t place = patch.empty() ? 0 : below(random, patch.size());
  const std::size_t change = below(random, 4);
  if (patch.empty() || (change == 0 && patch.size() < kMostOperations)) {
    patch.push_back(new_operation(paths, random));
  } else if (change == 1 && patch.size() > 1) {
    patch.erase(place);
  } else if (change == 2 && patch[place].is_object() && patch[place].contains("value")) {
    patch[place]["value"] = troublesome(random);
  } else {
    patch[place] = new_operation(paths, random);
  }
  return patch.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace lp_fuzz
