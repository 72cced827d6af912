#include "json_object.h"

#include <cmath>

namespace lp {

using nlohmann::json;

void throw_bad_field(const std::string& path, const std::string& expected, const std::string& got) {
  throw Error(LP_ERROR_BUNDLE, {"The manifest is not valid.", "manifest.json: " + path, expected,
                                got, "copy or build the bundle again"});
}

std::string preview(const json& value) {
  // Writing out a container would follow hostile nesting down the stack.
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

JsonObject::JsonObject(const json& value, std::string path)
    : value_(value), path_(std::move(path)) {
  if (!value.is_object()) throw_bad_field(path_, "an object", preview(value));
}

const json& JsonObject::field(const std::string& key) {
  known_.insert(key);
  const auto found = value_.find(key);
  if (found == value_.end()) throw_bad_field(path_of(key), "a field of this name", "none");
  return *found;
}

const json* JsonObject::optional(const std::string& key) {
  known_.insert(key);
  const auto found = value_.find(key);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

std::string JsonObject::text(const std::string& key) { return text_of(field(key), path_of(key)); }

std::string JsonObject::text_or(const std::string& key, const std::string& missing) {
  const json* value = optional(key);
  return value == nullptr ? missing : text_of(*value, path_of(key));
}

std::int64_t JsonObject::integer(const std::string& key, std::int64_t low, std::int64_t high) {
  const std::int64_t value = integer_of(field(key), path_of(key));
  if (value < low || value > high) {
    throw_bad_field(path_of(key), std::to_string(low) + " to " + std::to_string(high),
                    std::to_string(value));
  }
  return value;
}

double JsonObject::number(const std::string& key) { return number_of(field(key), path_of(key)); }

bool JsonObject::boolean(const std::string& key) {
  const json& value = field(key);
  if (!value.is_boolean()) throw_bad_field(path_of(key), "true or false", preview(value));
  return value.get<bool>();
}

const json& JsonObject::array(const std::string& key) {
  const json& value = field(key);
  if (!value.is_array()) throw_bad_field(path_of(key), "an array", preview(value));
  return value;
}

const json& JsonObject::object(const std::string& key) {
  const json& value = field(key);
  if (!value.is_object()) throw_bad_field(path_of(key), "an object", preview(value));
  return value;
}

void JsonObject::refuse_unknown_keys() const {
  for (const auto& item : value_.items()) {
    if (known_.count(item.key()) == 0) {
      throw_bad_field(path_of(item.key()), "only fields of this schema", "an unknown field");
    }
  }
}

std::string text_of(const json& value, const std::string& path) {
  if (!value.is_string()) throw_bad_field(path, "a text", preview(value));
  return value.get<std::string>();
}

double number_of(const json& value, const std::string& path) {
  if (!value.is_number()) throw_bad_field(path, "a number", preview(value));
  const double number = value.get<double>();
  if (!std::isfinite(number)) throw_bad_field(path, "a finite number", preview(value));
  return number;
}

std::int64_t integer_of(const json& value, const std::string& path) {
  if (!value.is_number_integer()) throw_bad_field(path, "a whole number", preview(value));
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    throw_bad_field(path, "a whole number of 64 bits", preview(value));
  }
  return value.get<std::int64_t>();
}

}  // namespace lp
