// A file from outside, opened for reading and identified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "protocol/file_stamp.hpp"

namespace tandem::models {

// Owns one descriptor (close-on-exec). Move-only.
class ReadOnlyFile {
 public:
  // Throws kMissingFile where nothing can be opened at `path`, kBadCheckpoint where it is no
  // regular file.
  explicit ReadOnlyFile(const std::string& path);
  ~ReadOnlyFile();
  ReadOnlyFile(ReadOnlyFile&& other) noexcept;
  ReadOnlyFile& operator=(ReadOnlyFile&&) = delete;
  ReadOnlyFile(const ReadOnlyFile&) = delete;
  ReadOnlyFile& operator=(const ReadOnlyFile&) = delete;

  // As it was when it was opened.
  const FileStamp& stamp() const { return stamp_; }
  int descriptor() const { return descriptor_; }

  // Fills `bytes` from the file's byte `offset` on. Throws kBadCheckpoint where the file ends
  // before that or cannot be read: unlike a mapping, a file cut short is an error here, not a
  // signal.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  int descriptor_;
  FileStamp stamp_;
};

}  // namespace tandem::models
