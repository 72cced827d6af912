// A bundle on disk, opened and checked.
#pragma once

#include <string>

#include "manifest.h"

namespace lp {

class Bundle {
 public:
  // Checks the manifest and every file's size, and with `check_hashes` every hash. Throws Error.
  static Bundle open(const std::string& path, bool check_hashes);

  const std::string& path() const { return path_; }
  const Manifest& manifest() const { return manifest_; }

  // Path of a recorded file, inside the bundle and of the recorded size.
  std::string file(const FileRecord& record) const;
  // Path of the asset with this relative path, which the manifest must list.
  std::string asset(const std::string& relative) const;
  // Path of the file or folder that an engine opens.
  std::string graph_path(const GraphFile& graph) const;

 private:
  Bundle(std::string path, Manifest manifest);

  std::string path_;
  Manifest manifest_;
};

}  // namespace lp
