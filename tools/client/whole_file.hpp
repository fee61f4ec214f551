// Files that are there whole or not at all, and files that are read whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace tandem::client {

// Writes the parts one after the other to a temporary file in the same folder (mode by umask),
// syncs it and renames it to `path`, replacing what is there. On an error the temporary file is
// removed, and `path` is as it was. Throws kMissingFile where the folder is missing or may not be
// written, kResourceExhausted where the disk or a quota is full; the path is the file's.
void write_whole_file(const std::filesystem::path& path,
                      std::span<const std::span<const std::byte>> parts);

// Reads a regular file of at most `max_bytes`. Throws kMissingFile, kOutOfRange (larger),
// kBadRequest (not a regular file).
std::vector<std::byte> read_whole_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace tandem::client
