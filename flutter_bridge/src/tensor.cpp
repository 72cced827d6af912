#include "tensor.h"

#include <cstring>
#include <new>

#include "half.h"

namespace lp {
namespace {

constexpr std::size_t kAlignment = 64;

double read(const Tensor& tensor, std::size_t i) {
  switch (tensor.type()) {
    case ElementType::kFloat32:
      return static_cast<const float*>(tensor.data())[i];
    case ElementType::kFloat16:
      return float_from_half(static_cast<const std::uint16_t*>(tensor.data())[i]);
    case ElementType::kInt32:
      return static_cast<const std::int32_t*>(tensor.data())[i];
    case ElementType::kInt64:
      return static_cast<double>(static_cast<const std::int64_t*>(tensor.data())[i]);
    case ElementType::kUint8:
      return static_cast<const std::uint8_t*>(tensor.data())[i];
  }
  return 0;
}

// A conversion of a number that the integer type cannot hold is undefined in C++; clamp first.
template <typename Integer>
Integer clamped(double number, double low, double high) {
  if (!(number >= low)) return static_cast<Integer>(low);
  return number >= high ? static_cast<Integer>(high) : static_cast<Integer>(number);
}

void write(Tensor& tensor, std::size_t i, double number) {
  switch (tensor.type()) {
    case ElementType::kFloat32:
      static_cast<float*>(tensor.data())[i] = static_cast<float>(number);
      break;
    case ElementType::kFloat16:
      static_cast<std::uint16_t*>(tensor.data())[i] = half_from_float(static_cast<float>(number));
      break;
    case ElementType::kInt32:
      static_cast<std::int32_t*>(tensor.data())[i] =
          clamped<std::int32_t>(number, INT32_MIN, INT32_MAX);
      break;
    case ElementType::kInt64:
      // The largest double below 2^63.
      static_cast<std::int64_t*>(tensor.data())[i] =
          clamped<std::int64_t>(number, -9223372036854775808.0, 9223372036854774784.0);
      break;
    case ElementType::kUint8:
      static_cast<std::uint8_t*>(tensor.data())[i] = clamped<std::uint8_t>(number, 0, 255);
      break;
  }
}

}  // namespace

const char* name_of(ElementType type) {
  constexpr const char* kNames[] = {"float32", "float16", "int32", "int64", "uint8"};
  return kNames[static_cast<int>(type)];
}

std::size_t bytes_of(ElementType type) {
  constexpr std::size_t kBytes[] = {4, 2, 4, 8, 1};
  return kBytes[static_cast<int>(type)];
}

std::string describe(const Shape& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(size);
  }
  return text + "]";
}

std::size_t element_count(const Shape& shape) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  return count;
}

Tensor::Tensor(ElementType type, Shape shape)
    : type_(type), shape_(std::move(shape)), count_(element_count(shape_)) {
  const std::size_t rounded = (size_bytes() + kAlignment - 1) / kAlignment * kAlignment;
  void* memory = nullptr;
  if (posix_memalign(&memory, kAlignment, rounded == 0 ? kAlignment : rounded) != 0) {
    throw std::bad_alloc();
  }
  memory_.reset(memory);
  std::memset(memory, 0, size_bytes());
}

void copy_converted(const Tensor& from, Tensor& to) {
  if (from.type() == to.type()) {
    std::memcpy(to.data(), from.data(), from.size_bytes());
    return;
  }
  for (std::size_t i = 0; i < from.count(); ++i) write(to, i, read(from, i));
}

void fill(Tensor& tensor, const std::vector<double>& numbers) {
  for (std::size_t i = 0; i < tensor.count(); ++i) {
    write(tensor, i, numbers[numbers.size() == 1 ? 0 : i]);
  }
}

void read_floats(const Tensor& tensor, float* to) {
  if (tensor.type() == ElementType::kFloat32) {
    std::memcpy(to, tensor.data(), tensor.size_bytes());
    return;
  }
  for (std::size_t i = 0; i < tensor.count(); ++i) to[i] = static_cast<float>(read(tensor, i));
}

}  // namespace lp
