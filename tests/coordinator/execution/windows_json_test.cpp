#include "coordinator/execution/windows_json.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

TEST(WindowsJson, HasAnEntryPerStep) {
  job::Context context;
  context.length = 3;
  context.overlap = 1;
  context.schedule = "standard_static";
  const boost::json::object windows = windows_json(context, {1, 4, 5, 8}, 2);
  const boost::json::value step = boost::json::parse(
      R"({"windows": [[0, 1, 2], [2, 3, 4]], "weights": [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]})");
  EXPECT_EQ(windows, (boost::json::object{{"windows", {step, step}}}));
}

TEST(WindowsJson, HasALimit) {
  job::Context context;
  context.length = 8000;
  context.overlap = 0;
  context.schedule = "batched";
  EXPECT_NO_THROW(windows_json(context, {1, 4, 16000, 8}, 62));  // 992000 indices
  EXPECT_THROW(windows_json(context, {1, 4, 16000, 8}, 10000), Error);
  context.dim = 1;
  EXPECT_THROW(windows_json(context, {1, 4, 100, 8}, 1), Error);
}

}  // namespace
}  // namespace tandem::coordinator
