// See coreml_engine.mm: never compiled or run where the rest was.
#include "coreml_tensors.h"

#import <CoreVideo/CoreVideo.h>
#import <Foundation/Foundation.h>

#include <cstring>

#include "error.h"

namespace lp {
namespace {

// MLMultiArrayDataTypeFloat16, which older systems lack by name.
constexpr MLMultiArrayDataType kFloat16 = static_cast<MLMultiArrayDataType>(0x10000 | 16);

Shape shape_of(NSArray<NSNumber*>* numbers) {
  Shape shape;
  for (NSNumber* number in numbers) shape.push_back(number.longLongValue);
  return shape;
}

NSArray<NSNumber*>* numbers_of(const Shape& shape) {
  NSMutableArray<NSNumber*>* numbers = [NSMutableArray array];
  for (const std::int64_t size : shape) [numbers addObject:@(size)];
  return numbers;
}

// Copy one axis after the other: Core ML may pad its rows.
void copy_strided(const std::uint8_t* from, const Shape& strides, const Shape& shape,
                  std::size_t axis, std::size_t element_bytes, std::uint8_t*& to) {
  if (axis == shape.size()) {
    std::memcpy(to, from, element_bytes);
    to += element_bytes;
    return;
  }
  const std::size_t count = static_cast<std::size_t>(shape[axis]);
  if (axis + 1 == shape.size() && strides[axis] == 1) {
    std::memcpy(to, from, count * element_bytes);
    to += count * element_bytes;
    return;
  }
  const std::size_t step = static_cast<std::size_t>(strides[axis]) * element_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    copy_strided(from + i * step, strides, shape, axis + 1, element_bytes, to);
  }
}

void copy_array(MLMultiArray* array, const TensorSpec& spec, Tensor& to, const std::string& path) {
  const Shape shape = array == nil ? Shape() : shape_of(array.shape);
  if (array == nil || array.dataType != array_type(spec, path) || shape != to.shape()) {
    fail_in_coreml("A program's output is not what the manifest lists.", path + ": " + spec.name,
                   describe(shape));
  }
  auto* out = static_cast<std::uint8_t*>(to.data());
  copy_strided(static_cast<const std::uint8_t*>(array.dataPointer), shape_of(array.strides), shape,
               0, bytes_of(to.type()), out);
}

// 8-bit BGRA to the rows of red, green and blue that the manifest lists.
void copy_image(CVPixelBufferRef image, const TensorSpec& spec, Tensor& to,
                const std::string& path) {
  const bool fits =
      image != nullptr && to.shape().size() == 4 && to.shape()[0] == 1 && to.shape()[3] == 3 &&
      CVPixelBufferGetPixelFormatType(image) == kCVPixelFormatType_32BGRA &&
      static_cast<std::int64_t>(CVPixelBufferGetHeight(image)) == to.shape()[1] &&
      static_cast<std::int64_t>(CVPixelBufferGetWidth(image)) == to.shape()[2];
  if (!fits) {
    fail_in_coreml("A program's picture is not what the manifest lists.", path + ": " + spec.name,
                   image == nullptr ? "no pixel buffer" : "another size or pixel format");
  }
  if (CVPixelBufferLockBaseAddress(image, kCVPixelBufferLock_ReadOnly) != kCVReturnSuccess) {
    fail_in_coreml("A pixel buffer cannot be read.", path + ": " + spec.name, "");
  }
  const auto* row = static_cast<const std::uint8_t*>(CVPixelBufferGetBaseAddress(image));
  auto* out = static_cast<std::uint8_t*>(to.data());
  for (std::int64_t y = 0; y < to.shape()[1]; ++y, row += CVPixelBufferGetBytesPerRow(image)) {
    for (std::int64_t x = 0; x < to.shape()[2]; ++x, out += 3) {
      out[0] = row[4 * x + 2];
      out[1] = row[4 * x + 1];
      out[2] = row[4 * x];
    }
  }
  CVPixelBufferUnlockBaseAddress(image, kCVPixelBufferLock_ReadOnly);
}

}  // namespace

std::string text_of(NSError* error) {
  if (error == nil) return "";
  return error.localizedDescription.UTF8String;
}

[[noreturn]] void fail_in_coreml(const char* what, const std::string& where,
                                 const std::string& got) {
  throw Error(LP_ERROR_ENGINE, {what, where, "a program that this system's Core ML runs", got,
                                "run `lp-pack verify`; if the file is intact, update the system"});
}

NSString* string_of(const std::string& text) { return @(text.c_str()); }

bool is_image(const TensorSpec& spec) { return spec.dtype == ElementType::kUint8; }

MLMultiArrayDataType array_type(const TensorSpec& spec, const std::string& path) {
  switch (spec.dtype) {
    case ElementType::kFloat32:
      return MLMultiArrayDataTypeFloat32;
    case ElementType::kFloat16:
      return kFloat16;
    case ElementType::kInt32:
      return MLMultiArrayDataTypeInt32;
    default:
      fail_in_coreml("Core ML has no tensors of this type.", path, name_of(spec.dtype));
  }
}

MLMultiArray* array_over(Tensor& tensor, const TensorSpec& spec, const std::string& path) {
  Shape strides(tensor.shape().size(), 1);
  for (std::size_t i = strides.size(); i-- > 1;) {
    strides[i - 1] = strides[i] * tensor.shape()[i];
  }
  NSError* error = nil;
  MLMultiArray* array = [[MLMultiArray alloc] initWithDataPointer:tensor.data()
                                                            shape:numbers_of(tensor.shape())
                                                         dataType:array_type(spec, path)
                                                          strides:numbers_of(strides)
                                                      deallocator:nil
                                                            error:&error];
  if (array == nil) {
    fail_in_coreml("Core ML cannot take a tensor.", path + ": " + spec.name, text_of(error));
  }
  return array;
}

void copy_output(MLFeatureValue* value, const TensorSpec& spec, Tensor& to,
                 const std::string& path) {
  if (is_image(spec)) {
    copy_image(value.imageBufferValue, spec, to, path);
  } else {
    copy_array(value.multiArrayValue, spec, to, path);
  }
}

}  // namespace lp
