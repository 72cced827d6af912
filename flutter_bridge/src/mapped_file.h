// A file's bytes in memory, read only as they are needed.
#pragma once

#include <cstddef>
#include <string>

namespace lp {

class MappedFile {
 public:
  // Throws Error(LP_ERROR_BUNDLE) where the file cannot be read or is empty.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Aligned to a page.
  const void* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace lp
