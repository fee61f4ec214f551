#include "coordinator/workers/budget_list.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("Budget '"), std::string::npos) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInternal;
}

TEST(BudgetList, OneSizeIsForEveryDevice) {
  const BudgetList budgets = parse_budget_list("8GiB");
  EXPECT_EQ(budgets.of("cpu"), 8ULL << 30);
  EXPECT_EQ(budgets.of("gpu:3"), 8ULL << 30);
  EXPECT_EQ(BudgetList{}.of("cpu"), std::nullopt);
}

TEST(BudgetList, NamedDevicesHaveTheirOwn) {
  const BudgetList budgets = parse_budget_list("cpu=1.5MiB,gpu:0=20GiB,3KiB");
  EXPECT_EQ(budgets.of("cpu"), 3ULL << 19);
  EXPECT_EQ(budgets.of("gpu:0"), 20ULL << 30);
  EXPECT_EQ(budgets.of("gpu:1"), 3ULL << 10);
  EXPECT_EQ(parse_budget_list("cpu=0B").of("cpu"), 0U);
  EXPECT_EQ(parse_budget_list("cpu=1TiB").of("gpu:0"), std::nullopt);
}

TEST(BudgetList, RefusesWhatIsNoSize) {
  for (const char* list :
       {"", "8", "GiB", "8 GiB", "8gib", "8GB", "-1GiB", "nanB", "infB", "cpu=", "=8GiB",
        "cpu=8GiB,", "8GiB,9GiB", "cpu=8GiB,cpu=8GiB", "1e3B", "cpu=gpu=1B"}) {
    SCOPED_TRACE(list);
    EXPECT_EQ(code_of([&] { parse_budget_list(list); }), ErrorCode::kBadRequest);
  }
  EXPECT_EQ(code_of([] { parse_budget_list("9999999TiB"); }), ErrorCode::kOutOfRange);
}

TEST(BudgetList, ADeviceMustBeThereOrBeACpu) {
  const auto workers = parse_device_list("sim:2@1ms");
  EXPECT_NO_THROW(check_budgets(parse_budget_list("sim=1B,cpu=1B"), workers));
  EXPECT_EQ(code_of([&] { check_budgets(parse_budget_list("gpu:0=1B"), workers); }),
            ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace tandem::coordinator
