#include "ipc/memory/memfd.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

constexpr std::size_t kBytes = 10000;

Fd peer_memory(int seals) {
  Fd fd(::memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), kBytes), 0);
  EXPECT_EQ(::pwrite(fd.get(), "hello", 5, 0), 5);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

std::optional<ErrorCode> refusal(const Fd& fd, Sealing sealing, std::size_t most = kBytes) {
  return thrown_by([&] { check_sealed(fd, sealing, most); });
}

TEST(Memfd, ReservesZeroedMemory) {
  const Memfd memory = Memfd::create("test", kBytes);
  struct stat status {};
  ASSERT_EQ(::fstat(memory.fd().get(), &status), 0);
  EXPECT_EQ(memory.size(), kBytes);
  EXPECT_EQ(status.st_size, static_cast<off_t>(kBytes));
  EXPECT_GE(static_cast<std::size_t>(status.st_blocks) * 512, kBytes);
  EXPECT_EQ(::fcntl(memory.fd().get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(Memfd, TellsThatMemoryIsShort) {
  EXPECT_EQ(thrown_by([] { Memfd::create("test", 0); }), ErrorCode::kOutOfRange);
  // RLIMIT_FSIZE stands in for a system without memory: fallocate fails, and nothing is raised
  // because the signal is ignored.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{kBytes / 2, before.rlim_max};
  auto* old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto code = thrown_by([] { Memfd::create("test", kBytes); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(code, ErrorCode::kResourceExhausted);
}

TEST(Memfd, TellsThatDescriptorsAreShort) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const Fd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit none{static_cast<rlim_t>(lowest.get()), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto code = thrown_by([] { Memfd::create("test", kBytes); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(code, ErrorCode::kResourceExhausted);
}

TEST(Memfd, SealsItsSize) {
  Memfd memory = Memfd::create("test", kBytes);
  memory.seal(Sealing::kSize);
  EXPECT_NE(::ftruncate(memory.fd().get(), 1), 0);
  EXPECT_NE(::ftruncate(memory.fd().get(), kBytes * 2), 0);
  EXPECT_EQ(::pwrite(memory.fd().get(), "x", 1, 0), 1);
  // Nor may a receiver seal more.
  EXPECT_NE(::fcntl(memory.fd().get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
}

TEST(Memfd, SealsItsContent) {
  Memfd memory = Memfd::create("test", kBytes);
  {
    const auto writable = map_whole(memory.fd(), kBytes, boost::interprocess::read_write);
    EXPECT_EQ(thrown_by([&] { memory.seal(Sealing::kContent); }), ErrorCode::kInternal);
  }
  memory.seal(Sealing::kContent);
  EXPECT_LT(::pwrite(memory.fd().get(), "x", 1, 0), 0);
}

TEST(Memfd, OpensAgainForReadingAlone) {
  Memfd memory = Memfd::create("test", kBytes);
  ASSERT_EQ(::pwrite(memory.fd().get(), "hello", 5, 0), 5);
  memory.seal(Sealing::kContent);
  const Fd reader = memory.reopen_read_only();
  EXPECT_TRUE(same_file(memory.fd(), reader));
  EXPECT_EQ(::fcntl(reader.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  void* writable = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, reader.get(), 0);
  EXPECT_EQ(writable, MAP_FAILED);
  const auto region = map_whole(reader, kBytes, boost::interprocess::read_only);
  EXPECT_EQ(std::memcmp(region.get_address(), "hello", 5), 0);
}

TEST(Memfd, IsMappedByBoost) {
  const Memfd memory = Memfd::create("test", kBytes);
  const boost::interprocess::mapped_region region(memory, boost::interprocess::read_write);
  std::memcpy(region.get_address(), "hello", 5);
  std::array<char, 5> read{};
  EXPECT_EQ(::pread(memory.fd().get(), read.data(), read.size(), 0), 5);
  EXPECT_EQ(std::string(read.data(), read.size()), "hello");
  EXPECT_EQ(region.get_size(), kBytes);
}

TEST(CheckSealed, AcceptsEitherSealOfWriting) {
  constexpr int kSize = F_SEAL_SHRINK | F_SEAL_GROW;
  EXPECT_EQ(check_sealed(peer_memory(kSize | F_SEAL_WRITE), Sealing::kContent, kBytes), kBytes);
  EXPECT_EQ(check_sealed(peer_memory(kSize | F_SEAL_FUTURE_WRITE), Sealing::kContent, kBytes),
            kBytes);
  EXPECT_EQ(check_sealed(peer_memory(kSize), Sealing::kSize, kBytes), kBytes);
}

TEST(CheckSealed, RefusesMissingSeals) {
  for (const int seals : {0, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SHRINK | F_SEAL_WRITE,
                          F_SEAL_GROW | F_SEAL_WRITE, F_SEAL_SHRINK | F_SEAL_GROW}) {
    EXPECT_EQ(refusal(peer_memory(seals), Sealing::kContent), ErrorCode::kUnsealedMemory) << seals;
  }
  EXPECT_EQ(refusal(peer_memory(F_SEAL_GROW), Sealing::kSize), ErrorCode::kUnsealedMemory);
}

TEST(CheckSealed, RefusesWhatIsNoMemfd) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "file";
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd folder(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto [one, other] = socket_pair();
  for (const Fd* fd : {&file, &null, &folder, &one}) {
    EXPECT_EQ(refusal(*fd, Sealing::kSize), ErrorCode::kUnsealedMemory);
  }
  EXPECT_EQ(refusal(Fd(), Sealing::kSize), ErrorCode::kUnsealedMemory);
}

TEST(CheckSealed, RefusesSizesPastTheLimit) {
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  EXPECT_EQ(refusal(peer_memory(kSeals), Sealing::kContent, kBytes - 1), ErrorCode::kOutOfRange);
  const Fd empty(::memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::fcntl(empty.get(), F_ADD_SEALS, kSeals), 0);
  EXPECT_EQ(refusal(empty, Sealing::kContent), ErrorCode::kOutOfRange);
}

TEST(MapPeerContent, MapsPrivately) {
  const Fd fd = peer_memory(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  const auto region = map_peer_content(fd, kBytes);
  EXPECT_EQ(region.get_mode(), boost::interprocess::read_private);
  EXPECT_EQ(region.get_size(), kBytes);
  EXPECT_EQ(std::memcmp(region.get_address(), "hello", 5), 0);
  EXPECT_EQ(thrown_by([&] { map_peer_content(peer_memory(F_SEAL_SHRINK), kBytes); }),
            ErrorCode::kUnsealedMemory);
}

}  // namespace
}  // namespace tandem::ipc
