#include "bundle.h"

#include <filesystem>
#include <set>

#include "bundle_files.h"
#include "consistency.h"
#include "error.h"

namespace lp {
namespace {

constexpr const char* kManifestName = "manifest.json";
constexpr std::uint64_t kMaxManifestBytes = 16u << 20;

void check_files(const std::string& root, const Manifest& manifest, bool check_hashes) {
  std::set<std::string> done;
  const auto check = [&](const FileRecord& record) {
    if (done.insert(record.path).second) checked_file(root, record, check_hashes);
  };
  for (const Variant& variant : manifest.variants) {
    for (const auto& [name, graph] : variant.graphs) {
      for (const FileRecord& record : graph.files) check(record);
    }
  }
  for (const FileRecord& record : manifest.assets) check(record);
  for (const GoldenCase& golden : manifest.golden) check(golden.file);
}

}  // namespace

Bundle::Bundle(std::string path, Manifest manifest)
    : path_(std::move(path)), manifest_(std::move(manifest)) {}

Bundle Bundle::open(const std::string& path, bool check_hashes) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) {
    throw Error(LP_ERROR_BUNDLE, {"There is no bundle here.", path, "a folder with a manifest.json",
                                  std::filesystem::exists(path, failed) ? "a file" : "nothing",
                                  "give the .lpbundle folder that `lp-pack build` wrote"});
  }
  Manifest manifest =
      parse_manifest(read_file(path_inside(path, kManifestName), kMaxManifestBytes));
  check_manifest(manifest);
  check_files(path, manifest, check_hashes);
  return Bundle(path, std::move(manifest));
}

std::string Bundle::file(const FileRecord& record) const {
  return checked_file(path_, record, false);
}

std::string Bundle::asset(const std::string& relative) const {
  for (const FileRecord& record : manifest_.assets) {
    if (record.path == relative) return file(record);
  }
  throw Error(LP_ERROR_BUNDLE, {"The bundle has no such asset.", relative});
}

std::string Bundle::graph_path(const GraphFile& graph) const {
  for (const FileRecord& record : graph.files) file(record);
  return path_inside(path_, graph.path);
}

}  // namespace lp
