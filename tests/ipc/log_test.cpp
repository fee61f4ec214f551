#include "ipc/log.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace tandem::ipc {
namespace {

std::string logged(LogLevel level, std::string_view component, std::string_view message) {
  testing::internal::CaptureStderr();
  log(level, component, message);
  return testing::internal::GetCapturedStderr();
}

TEST(Log, WritesOneLine) {
  const std::string line = logged(LogLevel::kWarn, "cpu#0", "restarted");
  EXPECT_NE(line.find("warning [cpu#0] restarted\n"), std::string::npos) << line;
  EXPECT_NE(logged(LogLevel::kError, "service", "failed").find("error"), std::string::npos);
}

TEST(Log, LeavesOutWhatIsBelowTheLevel) {
  EXPECT_EQ(logged(LogLevel::kDebug, "service", "detail"), "");
  EXPECT_FALSE(logs(LogLevel::kTrace));
  EXPECT_TRUE(logs(LogLevel::kInfo));
}

TEST(Log, KeepsAPeersTextOnItsLine) {
  const std::string line =
      logged(LogLevel::kInfo, "host", "bad {} name\n2026-01-01 error [x] \x1b[2J");
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(line.find("bad {} name 2026"), std::string::npos) << line;
}

}  // namespace
}  // namespace tandem::ipc
