#include "coordinator/workers/accelerator_listing.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sys/wait.h>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/ipc/support.hpp"

namespace tandem::coordinator {
namespace {

using std::chrono::milliseconds;

// The program is a script: what a worker that misbehaves does can be said in a line.
class AcceleratorListingTest : public ::testing::Test {
 protected:
  void start(const std::string& script) {
    const std::filesystem::path program = folder_.path() / "worker";
    std::ofstream(program) << "#!/bin/sh\necho asked >> " << asked().string() << "\n"
                           << script << "\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    options_.worker_program = program;
    listing_.emplace(io_, options_);
  }

  std::filesystem::path asked() const { return folder_.path() / "asked"; }
  int times_asked() const {
    std::ifstream file(asked());
    return static_cast<int>(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
  }

  AcceleratorAnswer ask() {
    std::optional<AcceleratorAnswer> answer;
    listing_->ask([&](const AcceleratorAnswer& told) { answer = told; });
    EXPECT_TRUE(ipc::run_until(io_, [&] { return answer.has_value(); }));
    return answer.value_or(Failure{});
  }

  Failure failure() {
    AcceleratorAnswer answer = ask();
    EXPECT_TRUE(std::holds_alternative<Failure>(answer));
    return std::holds_alternative<Failure>(answer) ? std::get<Failure>(answer) : Failure{};
  }

  // Its children are gone, without a word to anybody.
  bool is_alone() {
    return ipc::run_until(io_, [] {
      siginfo_t info{};
      return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD;
    });
  }

  ipc::TemporaryDirectory folder_;
  boost::asio::io_context io_;
  ListingOptions options_;
  std::optional<AcceleratorListing> listing_;
};

TEST_F(AcceleratorListingTest, IsAskedOnceAndKept) {
  start(std::string("echo a warning >&2\necho '") + R"({"current":"npu","types":[]})" + "'");
  int answers = 0;
  listing_->ask([&](const AcceleratorAnswer&) { ++answers; });
  listing_->ask([&](const AcceleratorAnswer&) { ++answers; });
  EXPECT_EQ(answers, 0) << "nobody is kept waiting";
  EXPECT_EQ(std::get<AcceleratorList>(ask()).current, "npu");
  EXPECT_EQ(answers, 2);
  ask();
  EXPECT_EQ(times_asked(), 1);
  EXPECT_TRUE(is_alone());
}

TEST_F(AcceleratorListingTest, OneThatEndsBadlySaysHow) {
  start("echo no driver >&2\nexit 3");
  const Failure told = failure();
  EXPECT_EQ(told.code, ErrorCode::kWorkerLost);
  EXPECT_NE(told.message.find("exited with status 3"), std::string::npos) << told.message;
  EXPECT_NE(told.message.find("no driver"), std::string::npos) << told.message;
}

TEST_F(AcceleratorListingTest, OneThatCrashesSaysHow) {
  start("kill -SEGV $$");
  EXPECT_NE(failure().message.find("SIGSEGV"), std::string::npos);
}

TEST_F(AcceleratorListingTest, WhatIsNoListIsRefused) {
  for (const char* output : {"", "echo hello", R"(echo '{"current":"cpu","types":[}')",
                             R"(echo '{"current":"cpu","types":[{"type":"xpu"}]}')",
                             R"(echo '{"current":"cpu","types":[]}'; echo more)"}) {
    start(output);
    EXPECT_EQ(failure().code, ErrorCode::kBadFrame) << output;
  }
}

TEST_F(AcceleratorListingTest, OneThatHangsIsKilledAtTheDeadline) {
  options_.deadline = milliseconds(100);
  start("exec sleep 1000");
  const Failure told = failure();
  EXPECT_EQ(told.code, ErrorCode::kWorkerLost);
  EXPECT_NE(told.message.find("within 100 ms"), std::string::npos) << told.message;
  EXPECT_TRUE(is_alone());
}

TEST_F(AcceleratorListingTest, OneThatWritesWithoutEndIsKilled) {
  start("exec head -c 100000000 /dev/zero");
  EXPECT_EQ(failure().code, ErrorCode::kBadFrame);
  EXPECT_TRUE(is_alone());
  start(R"(printf '{"current":"cpu","types":['; exec yes '{"type":"xpu"},')");
  EXPECT_EQ(failure().code, ErrorCode::kBadFrame);
  EXPECT_TRUE(is_alone());
}

TEST_F(AcceleratorListingTest, AListLongerThanALineOfAPipeIsRead) {
  AcceleratorList list;
  list.types = {{"npu", true, true}};
  for (int i = 0; i < 200; ++i)
    list.types[0].devices.push_back({"npu:" + std::to_string(i), std::string(100, 'x')});
  const std::filesystem::path file = folder_.path() / "list";
  std::ofstream(file) << boost::json::serialize(to_json(list)) << "\n";
  start("cat " + file.string());
  EXPECT_EQ(std::get<AcceleratorList>(ask()), list);
}

TEST_F(AcceleratorListingTest, AFailureIsKeptForAWhile) {
  start("exit 1");
  failure();
  ASSERT_TRUE(is_alone());
  failure();
  EXPECT_EQ(times_asked(), 1);
  options_.retry_after = milliseconds(0);
  start("exit 1");
  failure();
  ASSERT_TRUE(is_alone());
  failure();
  EXPECT_EQ(times_asked(), 3);
}

TEST_F(AcceleratorListingTest, AProgramThatIsNotThereIsAFailure) {
  options_.worker_program = folder_.path() / "nothing";
  listing_.emplace(io_, options_);
  EXPECT_EQ(failure().code, ErrorCode::kMissingFile);
}

TEST_F(AcceleratorListingTest, ItsEndKillsTheProgram) {
  start("exec sleep 1000");
  bool called = false;
  listing_->ask([&](const AcceleratorAnswer&) { called = true; });
  listing_.reset();
  EXPECT_TRUE(is_alone());
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace tandem::coordinator
