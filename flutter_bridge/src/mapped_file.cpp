#include "mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "error.h"

namespace lp {

MappedFile::MappedFile(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about = {};
  const bool is_there = file >= 0 && fstat(file, &about) == 0 && about.st_size > 0;
  void* mapped = MAP_FAILED;
  if (is_there) {
    size_ = static_cast<std::size_t>(about.st_size);
    mapped = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  }
  const int reason = errno;
  if (file >= 0) close(file);
  if (mapped == MAP_FAILED) {
    throw Error(LP_ERROR_BUNDLE, {"A file of the bundle cannot be read.", path, "",
                                  std::strerror(reason), "build the bundle again"});
  }
  data_ = mapped;
}

MappedFile::~MappedFile() { munmap(data_, size_); }

}  // namespace lp
