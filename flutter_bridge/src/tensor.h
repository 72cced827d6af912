// Tensors: an element type, a shape, and aligned memory that never moves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace lp {

enum class ElementType { kFloat32, kFloat16, kInt32, kInt64, kUint8 };

using Shape = std::vector<std::int64_t>;

const char* name_of(ElementType type);
std::size_t bytes_of(ElementType type);
inline bool is_float(ElementType type) {
  return type == ElementType::kFloat32 || type == ElementType::kFloat16;
}

// E.g. "[1, 640]".
std::string describe(const Shape& shape);

// Elements of a shape whose sizes are known to be positive and bounded (see consistency.h).
std::size_t element_count(const Shape& shape);

class Tensor {
 public:
  Tensor(ElementType type, Shape shape);

  ElementType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  std::size_t count() const { return count_; }
  std::size_t size_bytes() const { return count_ * bytes_of(type_); }
  void* data() { return memory_.get(); }
  const void* data() const { return memory_.get(); }
  float* floats() { return static_cast<float*>(memory_.get()); }
  const float* floats() const { return static_cast<const float*>(memory_.get()); }

 private:
  struct Free {
    void operator()(void* memory) const noexcept { std::free(memory); }
  };

  ElementType type_;
  Shape shape_;
  std::size_t count_;
  std::unique_ptr<void, Free> memory_;
};

// Copy element by element, converting the type. The counts must be equal.
void copy_converted(const Tensor& from, Tensor& to);

// Set from numbers in C order; a single number fills the tensor.
void fill(Tensor& tensor, const std::vector<double>& numbers);

// Read as float32; `to` holds tensor.count() elements.
void read_floats(const Tensor& tensor, float* to);

}  // namespace lp
