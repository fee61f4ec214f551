#include "coordinator/workers/worker_pool.hpp"

#include <algorithm>
#include <signal.h>
#include <thread>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

constexpr JobId kJob{1};

// A pool of fake workers, with its loop on a thread, as in the service.
class WorkerPoolTest : public ::testing::Test {
 protected:
  void start(int workers, const std::string& model_file = "/model") {
    PoolOptions options;
    options.worker_program = TANDEM_FAKE_WORKER;
    options.workers = parse_device_list("sim:" + std::to_string(workers));
    PoolObserver observer;
    observer.worker_event = [this](const WorkerEventInfo& info) { events_.push_back(info); };
    observer.loading = [](JobId, ModelId, ModelPart, bool) {};
    const auto find_model = [model_file](ModelId) {
      ModelFiles files;
      files.spec.file = model_file;
      return files;
    };
    pool_ = std::make_unique<WorkerPool>(io_, options, find_model, observer);
    units_ = pool_->open_job(kJob, {PartDevices::all_on("sim"), {}, {}});
    loop_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    on_loop([this] {
      pool_->close_job(kJob);
      pool_->shut_down([this] { io_.stop(); });
    });
    loop_.join();
  }

  void on_loop(std::function<void()> work) { boost::asio::post(io_, std::move(work)); }

  template <class T>
  T ask_loop(std::function<T()> work) {
    std::promise<T> promise;
    on_loop([&] { promise.set_value(work()); });
    return promise.get_future().get();
  }

  static UnitTask task(const std::string& text) {
    UnitTask task;
    task.unit = DecodeLatent{
        ModelId{1}, InlineTensor{{DType::kU8, {static_cast<std::int64_t>(text.size())}}, text}};
    return task;
  }

  std::vector<std::string> run(const std::vector<std::string>& texts) {
    std::vector<UnitTask> tasks;
    for (const std::string& text : texts)
      tasks.push_back(task(text));
    std::vector<std::string> results;
    for (const UnitOutcome& outcome : units_->run(std::move(tasks))) {
      results.push_back(
          std::get<InlineTensor>(std::get<DecodeLatentResult>(outcome.result).image).bytes);
    }
    return results;
  }

  ErrorCode failure(const std::string& text) {
    try {
      run({text});
    } catch (const Error& error) {
      last_message_ = error.what();
      return error.code();
    }
    ADD_FAILURE() << "the unit did not fail";
    return ErrorCode::kInternal;
  }

  std::vector<int> pids() {
    return ask_loop<std::vector<int>>([this] {
      std::vector<int> pids;
      for (const WorkerView& worker : pool_->workers())
        pids.push_back(worker.pid);
      return pids;
    });
  }

  std::size_t count(WorkerNotice::What what) {
    return ask_loop<std::size_t>([this, what] {
      return static_cast<std::size_t>(std::ranges::count(events_, what, &WorkerEventInfo::what));
    });
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  std::vector<WorkerEventInfo> events_;
  std::unique_ptr<WorkerPool> pool_;
  std::shared_ptr<UnitExecutor> units_;
  std::thread loop_;
  std::string last_message_;
};

TEST_F(WorkerPoolTest, ResultsComeInTheOrderOfTheTasks) {
  start(3);
  const std::vector<std::string> texts = {"slow", "b", "c", "d", "e", "f", "g"};
  EXPECT_EQ(run(texts), texts);
}

TEST_F(WorkerPoolTest, AKilledWorkersUnitRunsAgain) {
  start(2);
  run({"a", "b"});
  const std::vector<int> before = pids();
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ::kill(before[0], SIGKILL);
  });
  const std::vector<std::string> texts = {"slow", "slow"};
  EXPECT_EQ(run(texts), texts);
  killer.join();
  EXPECT_EQ(count(WorkerNotice::What::kLost), 1U);
  EXPECT_EQ(count(WorkerNotice::What::kRerun), 1U);
  run({"slow", "slow"});  // the replacement is up after this
  EXPECT_EQ(count(WorkerNotice::What::kReplaced), 1U);
  EXPECT_NE(pids()[0], before[0]);
}

TEST_F(WorkerPoolTest, APoisonousUnitFailsItsJobAfterTwoWorkers) {
  start(3);
  EXPECT_EQ(failure("die"), ErrorCode::kWorkerLost);
  EXPECT_NE(last_message_.find("SIGABRT"), std::string::npos) << last_message_;
  EXPECT_EQ(count(WorkerNotice::What::kLost), 2U);
  EXPECT_EQ(run({"still", "here"}), (std::vector<std::string>{"still", "here"}));
}

TEST_F(WorkerPoolTest, AWorkerThatDiesLoadingIsAFailureOfTheJob) {
  start(2, "/die");
  EXPECT_EQ(failure("a"), ErrorCode::kWorkerLost);
}

TEST_F(WorkerPoolTest, FailuresBecomeErrors) {
  start(2);
  EXPECT_EQ(failure("bad"), ErrorCode::kBadShape);
  EXPECT_EQ(failure("fail"), ErrorCode::kInternal);
  EXPECT_EQ(run({"fine"}), std::vector<std::string>{"fine"});
}

TEST_F(WorkerPoolTest, CancelEndsTheWaitAtOnce) {
  start(1);
  run({"a"});
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    on_loop([this] { pool_->cancel_job(kJob); });
  });
  EXPECT_EQ(failure("slow"), ErrorCode::kCancelled);
  EXPECT_THROW(units_->check_cancelled(), Error);
  canceller.join();
}

TEST_F(WorkerPoolTest, AWorkerOfAnotherKindIsStartedOnDemand) {
  start(1);
  EXPECT_TRUE(ask_loop<bool>([this] { return pool_->ensure_worker("sim"); }));
  EXPECT_FALSE(ask_loop<bool>([this] { return pool_->ensure_worker("gpu"); }));
  EXPECT_TRUE(ask_loop<bool>([this] { return pool_->ensure_worker("cpu"); }));
  EXPECT_EQ(pids().size(), 2U);
}

}  // namespace
}  // namespace tandem::coordinator
