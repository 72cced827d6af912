// A bundle's files: nothing outside the bundle is opened, sizes and hashes are as recorded.
#pragma once

#include <string>

#include "manifest.h"

namespace lp {

// Absolute path of `relative` below `root` with links resolved. Throws Error(LP_ERROR_BUNDLE) when
// it does not exist or lies outside.
std::string path_inside(const std::string& root, const std::string& relative);

// The record's path once it is a plain file of the recorded size (and hash, if asked for).
std::string checked_file(const std::string& root, const FileRecord& record, bool check_hash);

// The whole file; throws when it is longer than `limit_bytes`.
std::string read_file(const std::string& path, std::uint64_t limit_bytes);

}  // namespace lp
