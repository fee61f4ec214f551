#include "coordinator/workers/weight_shares.hpp"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipc/memory/memfd.hpp"

namespace tandem::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr WorkerId kFirst{1}, kSecond{2}, kThird{3};
constexpr WeightShares::Part kUnet{ModelId{1}, ModelPart::kUnet};
constexpr WeightShares::Part kText{ModelId{1}, ModelPart::kText};

std::vector<ipc::Fd> one_copy() {
  std::vector<ipc::Fd> fds;
  fds.push_back(std::move(ipc::Memfd::create("test", 64)).release());
  return fds;
}

ino_t inode(const ipc::Fd& fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status.st_ino;
}

TEST(WeightShares, OneWorkerConvertsAndTheOthersGetWhatItMade) {
  WeightShares shares;
  EXPECT_TRUE(shares.may_load(kFirst, kUnet));
  EXPECT_THAT(shares.copies(kUnet), IsEmpty());
  EXPECT_FALSE(shares.may_load(kSecond, kUnet));
  EXPECT_FALSE(shares.may_load(kThird, kUnet));
  std::vector<ipc::Fd> made = one_copy();
  const ino_t memory = inode(made[0]);
  EXPECT_THAT(shares.loaded(kFirst, kUnet, std::move(made)), ElementsAre(kSecond, kThird));
  EXPECT_TRUE(shares.may_load(WorkerId{4}, kUnet));
  ASSERT_EQ(shares.copies(kUnet).size(), 1U);
  EXPECT_EQ(inode(shares.copies(kUnet)[0]), memory);
}

TEST(WeightShares, APartThatNeedsNoConversionHoldsNobodyUpAfterItsFirstLoad) {
  WeightShares shares;
  shares.may_load(kFirst, kUnet);
  shares.loaded(kFirst, kUnet, {});
  EXPECT_TRUE(shares.may_load(kSecond, kUnet));
  EXPECT_THAT(shares.copies(kUnet), IsEmpty());
}

TEST(WeightShares, PartsDoNotWaitForEachOther) {
  WeightShares shares;
  EXPECT_TRUE(shares.may_load(kFirst, kUnet));
  EXPECT_TRUE(shares.may_load(kSecond, kText));
}

TEST(WeightShares, TheNextOneTakesOverFromAWorkerThatDied) {
  WeightShares shares;
  shares.may_load(kFirst, kUnet);
  shares.may_load(kSecond, kUnet);
  shares.may_load(kThird, kUnet);
  EXPECT_THAT(shares.exited(kFirst), ElementsAre(Pair(kSecond, kUnet)));
  // Its answer, if it comes late, counts for nothing.
  EXPECT_THAT(shares.loaded(kFirst, kUnet, one_copy()), IsEmpty());
  EXPECT_THAT(shares.loaded(kSecond, kUnet, one_copy()), ElementsAre(kThird));
}

TEST(WeightShares, AWaitingWorkerThatDiedIsForgotten) {
  WeightShares shares;
  shares.may_load(kFirst, kUnet);
  shares.may_load(kSecond, kUnet);
  EXPECT_THAT(shares.exited(kSecond), IsEmpty());
  EXPECT_THAT(shares.loaded(kFirst, kUnet, one_copy()), IsEmpty());
}

TEST(WeightShares, TheNextOneTriesAfterALoadThatFailed) {
  WeightShares shares;
  shares.may_load(kFirst, kUnet);
  shares.may_load(kSecond, kUnet);
  EXPECT_THAT(shares.failed(kFirst, kUnet), ElementsAre(kSecond));
  EXPECT_THAT(shares.failed(kSecond, kUnet), IsEmpty());
  EXPECT_TRUE(shares.may_load(kThird, kUnet));  // as if nothing had been
}

TEST(WeightShares, DroppedCopiesAreClosedAndMadeAgain) {
  WeightShares shares;
  shares.may_load(kFirst, kUnet);
  shares.loaded(kFirst, kUnet, one_copy());
  shares.drop(kUnet);
  EXPECT_THAT(shares.copies(kUnet), IsEmpty());
  EXPECT_TRUE(shares.may_load(kFirst, kUnet));
  EXPECT_FALSE(shares.may_load(kSecond, kUnet));
  shares.drop(kUnet);  // one that is being made stays
  EXPECT_THAT(shares.loaded(kFirst, kUnet, one_copy()), ElementsAre(kSecond));
}

}  // namespace
}  // namespace tandem::coordinator
