#include "bundle_files.h"

#include <filesystem>
#include <fstream>
#include <vector>

#include "error.h"
#include "sha256.h"

namespace lp {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRebuild = "copy or build the bundle again";

std::string file_sha256(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<char> block(1 << 20);
  Sha256 hash;
  while (stream) {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash.update(block.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.eof()) {
    throw Error(LP_ERROR_BUNDLE, {"A file of the bundle cannot be read.", path, "", "", kRebuild});
  }
  return hash.hex_digest();
}

}  // namespace

std::string path_inside(const std::string& root, const std::string& relative) {
  std::error_code failed;
  const fs::path base = fs::canonical(root, failed);
  const fs::path path = failed ? fs::path() : fs::canonical(base / relative, failed);
  if (failed) {
    throw Error(LP_ERROR_BUNDLE, {"A file of the bundle is missing.", root + "/" + relative,
                                  "the file that the manifest lists", failed.message(), kRebuild});
  }
  const fs::path below = path.lexically_relative(base);
  if (below.empty() || *below.begin() == "..") {
    throw Error(
        LP_ERROR_BUNDLE,
        {"A path leads out of the bundle.", root + "/" + relative, "a file below " + base.string(),
         path.string(), "do not use this bundle; it was tampered with or copied wrongly"});
  }
  return path.string();
}

std::string checked_file(const std::string& root, const FileRecord& record, bool check_hash) {
  const std::string path = path_inside(root, record.path);
  std::error_code failed;
  if (!fs::is_regular_file(path, failed)) {
    throw Error(LP_ERROR_BUNDLE,
                {"Something in the bundle is not a plain file.", path, "", "", kRebuild});
  }
  const std::uintmax_t size = fs::file_size(path, failed);
  if (failed || size != record.bytes) {
    throw Error(
        LP_ERROR_BUNDLE,
        {"A file of the bundle has the wrong size.", path, std::to_string(record.bytes) + " bytes",
         failed ? failed.message() : std::to_string(size) + " bytes", kRebuild});
  }
  if (check_hash) {
    const std::string digest = file_sha256(path);
    if (digest != record.sha256) {
      throw Error(LP_ERROR_BUNDLE, {"A file of the bundle was changed.", path,
                                    "sha256 " + record.sha256, "sha256 " + digest, kRebuild});
    }
  }
  return path;
}

std::string read_file(const std::string& path, std::uint64_t limit_bytes) {
  std::error_code failed;
  const std::uintmax_t size = fs::file_size(path, failed);
  if (failed || size > limit_bytes) {
    throw Error(LP_ERROR_BUNDLE,
                {"A file of the bundle cannot be read or is too large.", path,
                 std::to_string(limit_bytes) + " bytes at most",
                 failed ? failed.message() : std::to_string(size) + " bytes", kRebuild});
  }
  std::string content(static_cast<std::size_t>(size), '\0');
  std::ifstream stream(path, std::ios::binary);
  stream.read(content.data(), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(stream.gcount()) != size) {
    throw Error(LP_ERROR_BUNDLE, {"A file of the bundle cannot be read.", path, "", "", kRebuild});
  }
  return content;
}

}  // namespace lp
