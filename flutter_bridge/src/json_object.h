// Strict reading of JSON objects: wrong types, missing and unknown keys are errors that name the
// field's path, as the Python runtime's are.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "error.h"

namespace lp {

[[noreturn]] void throw_bad_field(const std::string& path, const std::string& expected,
                                  const std::string& got);

// Short text of a value for an error message.
std::string preview(const nlohmann::json& value);

class JsonObject {
 public:
  // `path` is for messages, e.g. "pipeline.inputs[0]".
  JsonObject(const nlohmann::json& value, std::string path);

  // The field `key`; throws when it is missing.
  const nlohmann::json& field(const std::string& key);
  // The field `key`, or null when it is missing or JSON's null.
  const nlohmann::json* optional(const std::string& key);

  std::string text(const std::string& key);
  std::string text_or(const std::string& key, const std::string& missing);
  std::int64_t integer(const std::string& key,
                       std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t high = std::numeric_limits<std::int64_t>::max());
  double number(const std::string& key);
  bool boolean(const std::string& key);
  const nlohmann::json& array(const std::string& key);
  const nlohmann::json& object(const std::string& key);

  // Throws when a key was never asked for.
  void refuse_unknown_keys() const;

  std::string path_of(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }
  std::string path_of(const std::string& key, std::size_t index) const {
    return path_of(key) + "[" + std::to_string(index) + "]";
  }

 private:
  const nlohmann::json& value_;
  std::string path_;
  std::set<std::string> known_;
};

// Checks of bare values, for the elements of arrays and the values of maps.
std::string text_of(const nlohmann::json& value, const std::string& path);
double number_of(const nlohmann::json& value, const std::string& path);
std::int64_t integer_of(const nlohmann::json& value, const std::string& path);

}  // namespace lp
