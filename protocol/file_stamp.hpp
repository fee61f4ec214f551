// Which file, in which state, something was read from.
#pragma once

#include <cstdint>
#include <string>

namespace tandem {

// Two equal stamps of one path are the same bytes, as far as the file system tells.
struct FileStamp {
  std::string path;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;  // since the epoch

  bool operator==(const FileStamp&) const = default;
};

}  // namespace tandem
