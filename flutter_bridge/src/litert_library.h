// LiteRT's shared library, found and opened at run time, and the few functions of its C interface
// that are used here. Written from the documentation of LiteRT 2.3 (litert/c); nothing is linked
// and no header of LiteRT is needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace lp {

// What LiteRT hands out; never looked into.
struct LiteRtEnvironmentHandle;
struct LiteRtModelHandle;
struct LiteRtSignatureHandle;
struct LiteRtTensorHandle;
struct LiteRtOptionsHandle;
struct LiteRtOpaqueOptionsHandle;
struct LiteRtCompiledModelHandle;
struct LiteRtRequirementsHandle;
struct LiteRtBufferHandle;

// LiteRT's type of a tensor: public, and documented as fixed in its layout.
struct LiteRtTensorType {
  std::int32_t element_type;
  // The rank in the lowest seven bits, then whether there are strides.
  std::uint32_t rank_and_flags;
  std::int32_t dimensions[8];
  std::uint32_t strides[8];

  std::size_t rank() const { return rank_and_flags & 0x7f; }
};
static_assert(sizeof(LiteRtTensorType) == 72, "LiteRT 2.3 says so");

// Every function but the destroying ones returns a status, 0 for success.
struct LiteRtFunctions {
  int (*create_environment)(int, const void*, LiteRtEnvironmentHandle**);
  // Checks the file's inner offsets, unlike LiteRtCreateModelFromFile. The memory must outlive it.
  int (*create_model_from_buffer)(LiteRtEnvironmentHandle*, const void*, std::size_t,
                                  LiteRtModelHandle**);
  void (*destroy_model)(LiteRtModelHandle*);
  int (*get_num_model_signatures)(LiteRtModelHandle*, std::size_t*);
  int (*get_model_signature)(LiteRtModelHandle*, std::size_t, LiteRtSignatureHandle**);
  int (*get_num_signature_inputs)(LiteRtSignatureHandle*, std::size_t*);
  int (*get_num_signature_outputs)(LiteRtSignatureHandle*, std::size_t*);
  int (*get_signature_input_name)(LiteRtSignatureHandle*, std::size_t, const char**);
  int (*get_signature_output_name)(LiteRtSignatureHandle*, std::size_t, const char**);
  int (*get_signature_input_tensor)(LiteRtSignatureHandle*, std::size_t, LiteRtTensorHandle**);
  int (*get_signature_output_tensor)(LiteRtSignatureHandle*, std::size_t, LiteRtTensorHandle**);
  int (*get_ranked_tensor_type)(LiteRtTensorHandle*, LiteRtTensorType*);
  int (*create_options)(LiteRtOptionsHandle**);
  void (*destroy_options)(LiteRtOptionsHandle*);
  int (*set_hardware_accelerators)(LiteRtOptionsHandle*, int);
  int (*create_opaque_options)(const char*, void*, void (*)(void*), LiteRtOpaqueOptionsHandle**);
  int (*add_opaque_options)(LiteRtOptionsHandle*, LiteRtOpaqueOptionsHandle*);
  int (*create_compiled_model)(LiteRtEnvironmentHandle*, LiteRtModelHandle*, LiteRtOptionsHandle*,
                               LiteRtCompiledModelHandle**);
  void (*destroy_compiled_model)(LiteRtCompiledModelHandle*);
  int (*get_input_requirements)(LiteRtCompiledModelHandle*, std::size_t, std::size_t,
                                LiteRtRequirementsHandle**);
  int (*get_output_requirements)(LiteRtCompiledModelHandle*, std::size_t, std::size_t,
                                 LiteRtRequirementsHandle**);
  int (*create_buffer)(LiteRtEnvironmentHandle*, const LiteRtTensorType*, LiteRtRequirementsHandle*,
                       LiteRtBufferHandle**);
  void (*destroy_buffer)(LiteRtBufferHandle*);
  int (*get_buffer_size)(LiteRtBufferHandle*, std::size_t*);
  int (*lock_buffer)(LiteRtBufferHandle*, void**, int);
  int (*unlock_buffer)(LiteRtBufferHandle*);
  int (*run)(LiteRtCompiledModelHandle*, std::size_t, std::size_t, LiteRtBufferHandle**,
             std::size_t, LiteRtBufferHandle**);
};

// Open the library (see lp_open_options.engine_library). The first that fits stays for the life of
// the process. Thread-safe. Throws Error(LP_ERROR_ENGINE_ABSENT or LP_ERROR_ENGINE_TOO_OLD).
const LiteRtFunctions& load_litert(const std::string& path);

// The one environment of this process; load_litert must have succeeded.
LiteRtEnvironmentHandle* litert_environment();

// A status of LiteRT in words.
std::string describe_litert_status(int status);

}  // namespace lp
