#include "models/checkpoint/mapped_file.hpp"

#include <cerrno>
#include <sys/mman.h>
#include <system_error>
#include <utility>

#include "protocol/error.hpp"

namespace tandem::models {

MappedFile::MappedFile(const ReadOnlyFile& file) : size_(file.stamp().bytes) {
  const std::string& path = file.stamp().path;
  if (size_ == 0) throw Error(ErrorCode::kBadCheckpoint, "'" + path + "' is empty.", {}, path);
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (address == MAP_FAILED) {
    const std::string reason = std::generic_category().message(errno);
    Failure failure{ErrorCode::kOutOfMemory, "'" + path + "' cannot be mapped: " + reason + "."};
    failure.path = path;
    failure.needed_bytes = size_;
    throw Error(std::move(failure));
  }
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

}  // namespace tandem::models
