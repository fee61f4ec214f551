#include "device_worker/shared_copies.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ipc/memory/memfd.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

models::TensorMap stored_weights() {
  return {{"a.weight", at::randn({5, 3}).to(at::kHalf)},
          {"a.bias", at::randn({3}).to(at::kBFloat16)},
          {"b.weight", at::randn({2, 2, 3, 3}).to(at::kHalf)}};
}

ino_t inode(const ipc::Fd& fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status.st_ino;
}

void expect_converted(const models::TensorMap& copies, const models::TensorMap& stored) {
  ASSERT_EQ(copies.size(), stored.size());
  for (const auto& [name, copy] : copies) {
    EXPECT_EQ(copy.scalar_type(), at::kFloat) << name;
    EXPECT_TRUE(at::equal(copy, stored.at(name).to(at::kFloat))) << name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(copy.const_data_ptr()) % 64, 0U) << name;
  }
}

TEST(SharedCopies, AreTheBitsOfAConversion) {
  const models::TensorMap stored = stored_weights();
  SharedCopies copies;
  expect_converted(copies.convert(stored, at::kFloat), stored);
}

TEST(SharedCopies, AreSealedAndReadOnlyWhenTheyLeave) {
  SharedCopies maker;
  maker.convert(stored_weights(), at::kFloat);
  const std::vector<ipc::Fd> made = maker.take_made();
  ASSERT_EQ(made.size(), 1U);
  EXPECT_NO_THROW(ipc::check_sealed(made[0], ipc::Sealing::kContent, 1 << 20));
  EXPECT_EQ(::fcntl(made[0].get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST(SharedCopies, AreTakenFromAnotherWorkerAndNotMadeAgain) {
  const models::TensorMap stored = stored_weights();
  SharedCopies maker;
  const models::TensorMap first = maker.convert(stored, at::kFloat);
  std::vector<ipc::Fd> made = maker.take_made();
  SharedCopies taker(std::move(made));
  const models::TensorMap second = taker.convert(stored, at::kFloat);
  expect_converted(second, stored);
  EXPECT_TRUE(taker.take_made().empty());
  // Other pages of the address space, the same memory: two mappings.
  EXPECT_NE(first.at("a.weight").const_data_ptr(), second.at("a.weight").const_data_ptr());
}

TEST(SharedCopies, OutliveTheObjectThatMadeThem) {
  const models::TensorMap stored = stored_weights();
  models::TensorMap copies;
  {
    SharedCopies maker;
    copies = maker.convert(stored, at::kFloat);
  }
  expect_converted(copies, stored);
}

TEST(SharedCopies, EachFileOfAPartHasItsOwnInTheOrderOfTheCalls) {
  const models::TensorMap one = stored_weights();
  const models::TensorMap two = {{"c", at::randn({7}).to(at::kHalf)}};
  SharedCopies maker;
  maker.convert(one, at::kFloat);
  maker.convert(two, at::kFloat);
  std::vector<ipc::Fd> made = maker.take_made();
  ASSERT_EQ(made.size(), 2U);
  EXPECT_NE(inode(made[0]), inode(made[1]));
  SharedCopies taker(std::move(made));
  expect_converted(taker.convert(one, at::kFloat), one);
  expect_converted(taker.convert(two, at::kFloat), two);
}

TEST(SharedCopies, WhatIsNotWholeIsNotUsed) {
  std::vector<ipc::Fd> unsealed;
  unsealed.push_back(std::move(ipc::Memfd::create("test", 4096)).release());
  EXPECT_TRUE(SharedCopies(std::move(unsealed)).convert(stored_weights(), at::kFloat).empty());

  ipc::Memfd small = ipc::Memfd::create("test", 64);
  small.seal(ipc::Sealing::kContent);
  std::vector<ipc::Fd> other;
  other.push_back(small.reopen_read_only());
  EXPECT_TRUE(SharedCopies(std::move(other)).convert(stored_weights(), at::kFloat).empty());
}

}  // namespace
}  // namespace tandem::worker
