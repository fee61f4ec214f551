// A file's bytes in memory, paged in by the kernel as they are touched.
#pragma once

#include <cstddef>
#include <span>

#include "models/checkpoint/read_only_file.hpp"

namespace tandem::models {

// Read-only mapping of a whole file; a file that is cut short under it is a SIGBUS at the next
// touch, so only a process that may die alone maps one. Move-only.
class MappedFile {
 public:
  // Throws kBadCheckpoint for an empty file, kOutOfMemory where the kernel refuses the mapping.
  explicit MappedFile(const ReadOnlyFile& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tandem::models
