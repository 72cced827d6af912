// One input: the first byte says what the rest is. Errors are expected; crashes, leaks and
// undefined behaviour are what the sanitizers look for.
#include <unistd.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "consistency.h"
#include "error.h"
#include "manifest.h"
#include "picture.h"
#include "safetensors.h"

namespace {

// A file with this content; the readers under test take paths.
std::string write_file(const std::string& content) {
  static const std::string path = [] {
    const char* folder = std::getenv("TMPDIR");
    return std::string(folder == nullptr ? "/tmp" : folder) + "/lp_fuzz_" +
           std::to_string(::getpid());
  }();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) std::abort();
  std::fwrite(content.data(), 1, content.size(), file);
  std::fclose(file);
  return path;
}

void read(char kind, const std::string& content) {
  switch (kind) {
    case 's':
      lp::read_safetensors(write_file(content));
      break;
    case 'p':
      lp::read_picture(write_file(content));
      break;
    default:
      lp::check_manifest(lp::parse_manifest(content));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string content(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    read(static_cast<char>(data[0]), content);
  } catch (const lp::Error&) {
    // Said what is wrong, as it should.
  }
  return 0;
}
