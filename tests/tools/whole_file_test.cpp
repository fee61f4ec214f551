#include "tools/client/whole_file.hpp"

#include <csignal>
#include <sys/resource.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/tools/test_folder.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& first, const std::string& second = {}) {
  const std::vector<std::byte> parts[] = {to_bytes(first), to_bytes(second)};
  const std::span<const std::byte> spans[] = {parts[0], parts[1]};
  write_whole_file(path, spans);
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

// Files may not grow beyond so many bytes while it lives: a full disk without a disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit old_{};
  void (*handler_)(int) = nullptr;
};

TEST(WholeFile, PartsFollowEachOther) {
  const TestFolder folder;
  write(folder / "a", "one ", "two");
  EXPECT_EQ(read_text(folder / "a"), "one two");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(WholeFile, ReplacesAndTakesTheModeOfTheUmask) {
  const TestFolder folder;
  write_text(folder / "a", "old");
  const mode_t old = ::umask(027);
  write(folder / "a", "new");
  ::umask(old);
  EXPECT_EQ(read_text(folder / "a"), "new");
  EXPECT_EQ(fs::status(folder / "a").permissions(), fs::perms(0640));
}

TEST(WholeFile, AFullDiskLeavesTheOldFileAndNothingElse) {
  const TestFolder folder;
  write_text(folder / "a", "old");
  {
    const FileSizeLimit limit(1000);
    EXPECT_EQ(code_of([&] { write(folder / "a", std::string(5000, 'x')); }),
              ErrorCode::kResourceExhausted);
  }
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(WholeFile, AFolderInItsPlaceStays) {
  const TestFolder folder;
  fs::create_directories(folder / "a/b");
  EXPECT_EQ(code_of([&] { write(folder / "a", "x"); }), ErrorCode::kMissingFile);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
  EXPECT_TRUE(fs::exists(folder / "a/b"));
}

TEST(WholeFile, AMissingFolderIsNamed) {
  const TestFolder folder;
  try {
    write(folder / "none/a", "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMissingFile);
    EXPECT_EQ(error.failure().path, (folder / "none/a").string());
  }
}

TEST(WholeFile, ReadingChecksKindAndSize) {
  const TestFolder folder;
  write_text(folder / "a", "12345");
  EXPECT_EQ(read_whole_file(folder / "a", 5), to_bytes("12345"));
  EXPECT_EQ(code_of([&] { read_whole_file(folder / "a", 4); }), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of([&] { read_whole_file(folder / "b", 4); }), ErrorCode::kMissingFile);
  EXPECT_EQ(code_of([&] { read_whole_file(folder.path(), 4); }), ErrorCode::kBadRequest);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of([&] { read_whole_file(folder / "pipe", 4); }), ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace tandem::client
