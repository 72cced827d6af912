#include "execution_providers.h"

#include <unordered_map>

#include "error.h"

namespace lp {
namespace {

using Settings = std::unordered_map<std::string, std::string>;

// NNAPI alone has no name in the generic call; builds for Android export this function.
void append_nnapi(Ort::SessionOptions& options) {
  using Append = OrtStatus*(ORT_API_CALL*)(OrtSessionOptions*, std::uint32_t);
  const auto append =
      reinterpret_cast<Append>(onnxruntime_symbol("OrtSessionOptionsAppendExecutionProvider_Nnapi"));
  if (append == nullptr) throw Ort::Exception("NNAPI is not in this build", ORT_NOT_IMPLEMENTED);
  Ort::ThrowOnError(append(options, 0));
}

// Throws Ort::Exception when this ONNX Runtime lacks the provider.
void append(Ort::SessionOptions& options, const std::string& name, unsigned thread_count) {
  if (name == "cpu") return;
  if (name == "xnnpack") {
    options.AppendExecutionProvider(
        "XNNPACK", Settings{{"intra_op_num_threads", std::to_string(thread_count)}});
  } else if (name == "coreml") {
    options.AppendExecutionProvider("CoreML", Settings{{"ModelFormat", "MLProgram"}});
  } else if (name == "nnapi") {
    append_nnapi(options);
  } else {
    throw Error(LP_ERROR_UNSUPPORTED, {"There is no such execution provider.", "",
                                       "cpu, xnnpack, coreml or nnapi", name});
  }
}

std::string first_line(const char* text) {
  const std::string whole(text);
  return whole.substr(0, whole.find('\n'));
}

}  // namespace

ChosenProvider append_execution_provider(Ort::SessionOptions& options,
                                         const std::vector<std::string>& wanted,
                                         bool must_be_first, unsigned thread_count) {
  ChosenProvider chosen{"cpu", {}};
  for (const std::string& name : wanted) {
    try {
      append(options, name, thread_count);
      chosen.name = name;
      return chosen;
    } catch (const Ort::Exception& error) {
      const std::string reason = first_line(error.what());
      if (must_be_first) {
        throw Error(LP_ERROR_UNSUPPORTED,
                    {"This ONNX Runtime lacks the execution provider.", name,
                     "a build of ONNX Runtime that has it", reason,
                     "use \"cpu\", or ship a build with the provider"});
      }
      chosen.notes.push_back("This ONNX Runtime lacks the execution provider '" + name +
                             "': " + reason);
    }
  }
  return chosen;
}

}  // namespace lp
