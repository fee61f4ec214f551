#include "coordinator/workers/worker_pool.hpp"

#include <algorithm>
#include <signal.h>
#include <thread>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "tests/ipc/cuda/fake_cuda.hpp"

namespace tandem::coordinator {
namespace {

constexpr JobId kJob{1};
constexpr ModelId kJobModel{9};  // of the open job; its units are of any

// A pool of fake workers, with its loop on a thread, as in the service.
class WorkerPoolTest : public ::testing::Test {
 protected:
  void start(int workers, const std::string& model_file = "/model") {
    start_on("sim:" + std::to_string(workers), {}, {model_file});
  }

  // Model n is of the file n - 1, or of the last one.
  void start_on(const std::string& devices, const BudgetList& budgets,
                const std::vector<std::string>& model_files) {
    PoolOptions options;
    options.worker_program = TANDEM_FAKE_WORKER;
    options.workers = parse_device_list(devices);
    options.budgets = budgets;
    options.cuda = cuda_;
    PoolObserver observer;
    observer.worker_event = [this](const WorkerEventInfo& info) { events_.push_back(info); };
    observer.loading = [](JobId, ModelId, ModelPart, bool) {};
    observer.over_budget = [this](JobId, ModelId model, const std::string&, std::uint64_t) {
      over_budget_.push_back(model);
    };
    observer.unit_done = [this](JobId job, double seconds) {
      if (job == kJob && seconds >= 0.0) ++units_told_;
    };
    const auto find_model = [model_files](ModelId model) {
      ModelFiles files;
      files.spec.file = model_files[std::min<std::size_t>(model.value, model_files.size()) - 1];
      files.sizes.vae = 250;  // 1000 bytes of float32
      return files;
    };
    pool_ = std::make_unique<WorkerPool>(io_, options, find_model, observer);
    units_ = pool_->open_job(kJob, {{}, {}, {}, {kJobModel}});
    loop_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override { stop(); }

  void stop() {
    if (!loop_.joinable()) return;
    on_loop([this] {
      pool_->close_job(kJob);
      pool_->shut_down([this] { io_.stop(); });
    });
    loop_.join();
    units_.reset();
    pool_.reset();
  }

  void on_loop(std::function<void()> work) { boost::asio::post(io_, std::move(work)); }

  template <class T>
  T ask_loop(std::function<T()> work) {
    std::promise<T> promise;
    on_loop([&] { promise.set_value(work()); });
    return promise.get_future().get();
  }

  static UnitTask task(const std::string& text, ModelId model) {
    UnitTask task;
    task.unit = DecodeLatent{
        model, InlineTensor{{DType::kU8, {static_cast<std::int64_t>(text.size())}}, text}};
    return task;
  }

  std::vector<std::string> run(const std::vector<std::string>& texts, std::uint64_t model = 1) {
    std::vector<UnitTask> tasks;
    tasks.reserve(texts.size());
    for (const std::string& text : texts)
      tasks.push_back(task(text, ModelId{model}));
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

  WorkerView first_worker() {
    return ask_loop<WorkerView>([this] { return pool_->workers().front(); });
  }

  std::vector<int> pids() {
    return ask_loop<std::vector<int>>([this] {
      std::vector<int> pids;
      for (const WorkerView& worker : pool_->workers())
        pids.push_back(worker.pid);
      return pids;
    });
  }

  std::vector<SlotState> states() {
    return ask_loop<std::vector<SlotState>>([this] {
      std::vector<SlotState> states;
      for (const WorkerView& worker : pool_->workers())
        states.push_back(worker.state);
      return states;
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
  std::shared_ptr<JobUnits> units_;
  std::thread loop_;
  std::string last_message_;
  std::vector<ModelId> over_budget_;
  GpuSlabs::Calls cuda_;
  int units_told_ = 0;
};

TEST_F(WorkerPoolTest, TellsOfEachUnitWhoseItWas) {
  start(2);
  run({"a", "b", "c"});
  EXPECT_EQ(ask_loop<int>([this] { return units_told_; }), 3);
}

TEST_F(WorkerPoolTest, ResultsComeInTheOrderOfTheTasks) {
  start(3);
  const std::vector<std::string> texts = {"slow", "b", "c", "d", "e", "f", "g"};
  EXPECT_EQ(run(texts), texts);
}

TEST_F(WorkerPoolTest, AWorkerThatCannotImportGoesOnThroughSharedMemory) {
  ipc::FakeGpus gpus;
  ipc::FakeCuda calls(gpus);
  cuda_ = [&calls]() -> ipc::CudaCalls& { return calls; };
  start_on("gpu:0", {}, {"/model"});
  EXPECT_EQ(run({"a", "b"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(first_worker().transport_reason, "no GPU here");
  EXPECT_EQ(first_worker().transport, Transport::kSharedMemory) << "as it greeted";
  EXPECT_EQ(calls.calls["cudaMalloc"], 1);
  stop();
}

TEST_F(WorkerPoolTest, WithoutCudaTheReasonIsTold) {
  cuda_ = []() -> ipc::CudaCalls& { throw Error(ErrorCode::kUnsupported, "no module"); };
  start_on("gpu:0,sim", {}, {"/model"});
  while (std::ranges::count(states(), SlotState::kIdle) < 2)
    std::this_thread::yield();
  EXPECT_EQ(run({"a"}), (std::vector<std::string>{"a"}));
  const auto workers = ask_loop<std::vector<WorkerView>>([this] { return pool_->workers(); });
  EXPECT_EQ(workers[0].transport_reason, "no module");
  EXPECT_EQ(workers[1].transport_reason, "") << "it is asked of GPU workers alone";
}

TEST_F(WorkerPoolTest, AResultInMemoryThatWasNotGivenEndsTheWorker) {
  start(1);
  EXPECT_EQ(failure("slab"), ErrorCode::kWorkerLost);
  EXPECT_GE(count(WorkerNotice::What::kLost), 1U);
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

TEST_F(WorkerPoolTest, AnInterruptedJobGoesOnAfterwards) {
  start(1);
  run({"a"});
  std::thread interrupter([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    on_loop([this] { pool_->interrupt_job(kJob); });
  });
  EXPECT_EQ(failure("slow"), ErrorCode::kCancelled);
  interrupter.join();
  EXPECT_EQ(failure("b"), ErrorCode::kCancelled) << "until it is resumed";
  units_->resume();
  EXPECT_EQ(run({"c", "d"}), (std::vector<std::string>{"c", "d"}));
}

TEST_F(WorkerPoolTest, AWorkerOfAnotherKindIsStartedOnDemand) {
  start(1);
  EXPECT_TRUE(ask_loop<bool>([this] { return pool_->ensure_worker("sim"); }));
  EXPECT_FALSE(ask_loop<bool>([this] { return pool_->ensure_worker("gpu"); }));
  EXPECT_TRUE(ask_loop<bool>([this] { return pool_->ensure_worker("cpu"); }));
  EXPECT_EQ(pids().size(), 2U);
}

TEST_F(WorkerPoolTest, AModelThatIsNotUsedMakesRoom) {
  start_on("sim:1", {2000, {}}, {"/model"});
  run({"a"}, 1);
  run({"a"}, 2);
  run({"a"}, 1);
  EXPECT_EQ(run({"models"}, 3), std::vector<std::string>{"1 3 "});
  EXPECT_EQ(run({"models"}, 2), std::vector<std::string>{"2 3 "});
  EXPECT_TRUE(over_budget_.empty());
}

TEST_F(WorkerPoolTest, AModelLargerThanItsBudgetIsLoadedAloneAndTold) {
  start_on("sim:1", {500, {}}, {"/model"});
  run({"a"}, 1);
  EXPECT_EQ(run({"models"}, 2), std::vector<std::string>{"2 "});
  EXPECT_EQ(over_budget_, (std::vector<ModelId>{ModelId{1}, ModelId{2}}));
}

TEST_F(WorkerPoolTest, OutOfMemoryUnloadsWhatIsNotUsedAndTriesOnce) {
  start_on("sim:1", {}, {"/model", "/oom"});
  run({"a"}, 1);
  EXPECT_EQ(run({"models"}, 2), std::vector<std::string>{"2 "});
}

TEST_F(WorkerPoolTest, OutOfMemoryWithNothingToUnloadIsTold) {
  start_on("sim:1", {}, {"/model", "/oom"});
  run({"a"}, 1);
  // In one batch with a unit that needs the other model, which therefore stays.
  std::vector<UnitTask> tasks;
  tasks.push_back(task("a", ModelId{2}));
  tasks.push_back(task("a", ModelId{1}));
  try {
    units_->run(std::move(tasks));
    FAIL() << "was loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_EQ(error.failure().needed_bytes, 1000U);
    EXPECT_EQ(error.failure().worker, "sim#0");
  }
  EXPECT_EQ(run({"models"}, 1), std::vector<std::string>{"1 "});
}

TEST_F(WorkerPoolTest, WorkersOfTheCpuShareOneCopy) {
  start_on("cpu:3", {}, {"/half"});
  const std::string first = run({"copy", "slow", "slow"})[0];
  for (int i = 0; i < 20; ++i) {
    for (const std::string& copy : run({"copy", "copy", "copy"}))
      EXPECT_EQ(copy, first);
  }
  const auto bytes = ask_loop<std::uint64_t>([this] { return pool_->models().report()[0].bytes; });
  EXPECT_EQ(bytes, 1000U);
}

TEST_F(WorkerPoolTest, AWorkerKilledWhileItConvertsLeavesItToTheNext) {
  start_on("cpu:3", {}, {"/half"});
  while (std::ranges::count(states(), SlotState::kIdle) < 3)
    std::this_thread::yield();
  std::thread killer([&] {
    while (states()[0] != SlotState::kLoading)
      std::this_thread::yield();
    ::kill(pids()[0], SIGKILL);
  });
  const std::vector<std::string> copies = run({"copy", "copy", "copy"});
  killer.join();
  EXPECT_EQ(count(WorkerNotice::What::kLost), 1U);
  EXPECT_EQ(copies[0], copies[1]);
  EXPECT_EQ(copies[0], copies[2]);
}

TEST_F(WorkerPoolTest, UnloadingOnRequestSparesTheRunningJobsModel) {
  start_on("sim:1", {}, {"/model"});
  run({"a"}, 1);
  run({"a"}, kJobModel.value);
  const auto stay = ask_loop<std::vector<ModelId>>([this] {
    return pool_->models().unload({ModelId{1}, kJobModel});
  });
  EXPECT_EQ(stay, std::vector<ModelId>{kJobModel});
  EXPECT_EQ(run({"models"}, kJobModel.value), std::vector<std::string>{"9 "});
}

TEST_F(WorkerPoolTest, ABudgetThatIsLoweredCountsAtOnce) {
  start_on("sim:1", {}, {"/model"});
  run({"a"}, 1);
  run({"a"}, 2);
  on_loop([this] { pool_->models().set_budget("sim", 1500); });
  EXPECT_EQ(run({"models"}, 2), std::vector<std::string>{"2 "});
}

}  // namespace
}  // namespace tandem::coordinator
