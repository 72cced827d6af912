#include "safetensors.h"

#include <cstring>

#include "bundle_files.h"
#include "error.h"
#include "json_object.h"

namespace lp {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kMaxHeaderBytes = 16u << 20;

[[noreturn]] void damaged(const std::string& path, const std::string& got) {
  throw Error(LP_ERROR_BUNDLE, {"A safetensors file is damaged.", path, "a complete file", got,
                                "copy or build the bundle again"});
}

ElementType element_type(const std::string& name, const std::string& path) {
  const std::pair<const char*, ElementType> known[] = {{"F32", ElementType::kFloat32},
                                                       {"F16", ElementType::kFloat16},
                                                       {"I32", ElementType::kInt32},
                                                       {"I64", ElementType::kInt64},
                                                       {"U8", ElementType::kUint8}};
  for (const auto& [text, type] : known) {
    if (name == text) return type;
  }
  damaged(path, "the element type " + name);
}

Tensor read_tensor(const json& entry, const std::string& content, std::uint64_t data_start,
                   const std::string& path) {
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets") || !entry["dtype"].is_string() ||
      !entry["shape"].is_array() || !entry["data_offsets"].is_array() ||
      entry["data_offsets"].size() != 2) {
    damaged(path, "a tensor without dtype, shape or data_offsets");
  }
  const ElementType type = element_type(entry["dtype"].get<std::string>(), path);
  const std::uint64_t available = content.size() - data_start;
  std::uint64_t bytes = bytes_of(type);
  Shape shape;
  for (const json& size : entry["shape"]) {
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() == 0 ||
        size.get<std::uint64_t>() > available / bytes) {
      damaged(path, "a tensor larger than the file");
    }
    shape.push_back(size.get<std::int64_t>());
    bytes *= size.get<std::uint64_t>();
  }
  const json& offsets = entry["data_offsets"];
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) {
    damaged(path, "offsets that are no numbers");
  }
  const auto begin = offsets[0].get<std::uint64_t>();
  const auto end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > available || end - begin != bytes) {
    damaged(path, "offsets that do not fit shape or file");
  }
  Tensor tensor(type, std::move(shape));
  std::memcpy(tensor.data(), content.data() + data_start + begin, tensor.size_bytes());
  return tensor;
}

}  // namespace

std::map<std::string, Tensor> read_safetensors(const std::string& path) {
  const std::string content = read_file(path, kMaxFileBytes);
  if (content.size() < 8) damaged(path, std::to_string(content.size()) + " bytes");
  std::uint64_t header_size = 0;
  for (int i = 7; i >= 0; --i) {
    header_size =
        header_size << 8 | static_cast<std::uint8_t>(content[static_cast<std::size_t>(i)]);
  }
  if (header_size > kMaxHeaderBytes || header_size > content.size() - 8) {
    damaged(path, "a header of " + std::to_string(header_size) + " bytes");
  }
  const auto header_begin = content.begin() + 8;
  const json header =
      json::parse(header_begin, header_begin + static_cast<std::ptrdiff_t>(header_size), nullptr,
                  /*allow_exceptions=*/false);
  if (!header.is_object()) damaged(path, "a header that is no JSON object");
  std::map<std::string, Tensor> tensors;
  // Tensors that share bytes of the file would let a small file fill the memory.
  std::uint64_t unread = content.size() - 8 - header_size;
  for (const auto& item : header.items()) {
    if (item.key() == "__metadata__") continue;
    Tensor tensor = read_tensor(item.value(), content, 8 + header_size, path);
    if (tensor.size_bytes() > unread) damaged(path, "tensors that overlap");
    unread -= tensor.size_bytes();
    tensors.emplace(item.key(), std::move(tensor));
  }
  return tensors;
}

}  // namespace lp
