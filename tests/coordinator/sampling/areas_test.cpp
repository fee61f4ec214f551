#include "coordinator/conditioning/areas.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kShape[] = {1, 4, 24, 16};

std::optional<LatentArea> resolve_percent(const job::AreaPercent& area) {
  job::Cond cond;
  cond.area_percent = area;
  return resolve_area(cond, kShape, "positive[0]");
}

std::string refusal(const job::Cond& cond) {
  try {
    resolve_area(cond, kShape, "positive[0]");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
    return error.failure().path;
  }
  return "";
}

TEST(Areas, CellsStayAsTheyAreEvenPastTheEdge) {
  job::Cond cond;
  EXPECT_FALSE(resolve_area(cond, kShape, "").has_value());
  cond.area = job::Area{30, 12, 10, 9};
  EXPECT_EQ(resolve_area(cond, kShape, ""), (LatentArea{30, 12, 10, 9}));
}

TEST(Areas, SharesAreRoundedHalfToEven) {
  // 12.24, 6.4, 6.24, 8
  EXPECT_EQ(resolve_percent({0.51, 0.4, 0.26, 0.5}), (LatentArea{12, 6, 6, 8}));
  // 1.5 and 2.5 both become 2
  EXPECT_EQ(resolve_percent({0.0625, 0.15625, 0.0625, 0.15625}), (LatentArea{2, 2, 2, 2}));
  EXPECT_EQ(resolve_percent({0.0, 0.001, 0.0, 0.0}), (LatentArea{1, 1, 0, 0}));
}

TEST(Areas, OneThatBeginsOutsideIsRefused) {
  job::Cond cond;
  cond.area = job::Area{8, 8, 24, 0};
  EXPECT_EQ(refusal(cond), "positive[0].area");
  cond.area.reset();
  cond.area_percent = job::AreaPercent{0.5, 0.5, 0.0, 1.0};
  EXPECT_EQ(refusal(cond), "positive[0].area_percent");
  EXPECT_THROW(cut_to({8, 8, 0, 16}, kShape), Error);
}

TEST(Areas, CutAtTheEdge) {
  EXPECT_EQ(cut_to({20, 12, 10, 9}, kShape), (LatentArea{14, 7, 10, 9}));
  EXPECT_EQ(cut_to({8, 8, 0, 0}, kShape), (LatentArea{8, 8, 0, 0}));
}

TEST(Areas, InsideMeansWhollyInside) {
  const LatentArea outer = {8, 8, 4, 4};
  EXPECT_TRUE(is_inside(outer, outer));
  EXPECT_TRUE(is_inside({2, 2, 10, 10}, outer));
  EXPECT_FALSE(is_inside({3, 2, 10, 10}, outer));
  EXPECT_FALSE(is_inside({2, 2, 4, 3}, outer));
}

}  // namespace
}  // namespace tandem::coordinator
