#include "coordinator/service/evaluators/evaluator_service.hpp"

#include <fcntl.h>
#include <future>
#include <sys/mman.h>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "ipc/memory/memfd.hpp"
#include "protocol/safetensors.hpp"
#include "tests/coordinator/service/evaluators/fake_evaluators.hpp"

namespace tandem::coordinator {
namespace {

// Two connections, as far as the service is concerned.
constexpr int kOne = 1, kOther = 2;
const JobOwner kHost = {1, "s"};
constexpr std::size_t kNumbers = std::size_t{4} * 2 * 2;

ipc::Fd memory_of(std::size_t bytes, int seals) {
  ipc::Fd fd(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

class EvaluatorServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    PoolOptions options;
    options.worker_program = TANDEM_FAKE_WORKER;
    options.workers = parse_device_list("sim:1");
    const PoolObserver deaf{[](const WorkerEventInfo&) {}, [](JobId, ModelId, ModelPart, bool) {},
                            [](JobId, ModelId, const std::string&, std::uint64_t) {},
                            [](JobId, double) {}};
    pool_ = std::make_unique<WorkerPool>(
        io_, std::move(options), [](ModelId) { return ModelFiles{}; }, deaf);
    EvaluatorHost host{*pool_,
                       executor_,
                       1 << 20,
                       [this](job::Job job, const std::shared_ptr<const TensorFile>&,
                              std::vector<WarningEvent>& warnings) {
                         AcceptedJob accepted;
                         accepted.id = JobId{next_job_++};
                         accepted.job = std::move(job);
                         warnings.push_back({"note", "of the test"});
                         return accepted;
                       },
                       [](std::span<const PromptUse>, const Embeddings&) { return Embeddings(); },
                       [](const AcceptedJob&) { return JobLimits{}; },
                       [](const AcceptedJob&) {
                         return boost::json::object{{"model", "fp32"}};
                       },
                       [this](const AcceptedJob&) { ++ended_; },
                       [this](const JobOwner& owner) { requests_.push_back("+" + owner.session); },
                       [this](const JobOwner& owner) { requests_.push_back("-" + owner.session); }};
    service_ = std::make_unique<EvaluatorService>(std::move(host));
    loop_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    boost::asio::post(
        io_, [this] { service_->close_all([this] { pool_->shut_down([this] { io_.stop(); }); }); });
    loop_.join();
  }

  using Answers = std::future<EvaluatorAnswer>;

  // On the io thread; what is thrown there is in the answer as well.
  template <class Call>
  Answers ask(Call call) {
    auto promise = std::make_shared<std::promise<EvaluatorAnswer>>();
    boost::asio::post(io_, [call, promise]() mutable {
      try {
        call([promise](EvaluatorAnswer answer) { promise->set_value(std::move(answer)); });
      } catch (const Error& error) {
        promise->set_value({error.failure(), {}, {}});
      }
    });
    return promise->get_future();
  }

  EvaluatorAnswer prepare(PrepareRequest request = {}, std::vector<ipc::Fd> fds = {}) {
    if (request.shape.empty()) request.shape = {1, 4, 2, 2};
    auto given = std::make_shared<std::vector<ipc::Fd>>(std::move(fds));
    return ask([=, this](EvaluatorDone done) {
             service_->prepare(&kOne, kHost, request, *given, std::move(done));
           })
        .get();
  }

  std::string prepared(PrepareRequest request = {}, std::vector<ipc::Fd> fds = {}) {
    const EvaluatorAnswer answer = prepare(std::move(request), std::move(fds));
    EXPECT_FALSE(answer.failure) << answer.failure->message;
    return std::string(answer.fields.at("evaluator").as_string());
  }

  Answers evaluate(const std::string& evaluator, std::vector<std::string> list, bool slot = false,
                   const int* owner = &kOne, std::uint64_t id = 7,
                   const std::vector<std::int64_t>& shape = {1, 4, 2, 2}) {
    EvaluateRequest request{evaluator, {0.5}, {std::move(list)}, {}, {}, slot};
    auto fds = std::make_shared<std::vector<ipc::Fd>>();
    if (!slot) {
      request.tensors = 0;
      const std::vector<float> x(byte_size({DType::kF32, shape}) / sizeof(float), 1.0F);
      const NamedBytes named{"x", {DType::kF32, shape}, std::as_bytes(std::span(x))};
      fds->push_back(make_tensor_memory("test", {&named, 1}).fd);
    }
    return ask([=, this](EvaluatorDone done) {
      service_->evaluate(owner, id, request, *fds, std::move(done));
    });
  }

  ErrorCode code(Answers answer) {
    const EvaluatorAnswer got = answer.get();
    EXPECT_TRUE(got.failure);
    return got.failure ? got.failure->code : ErrorCode::kInternal;
  }

  template <class Value>
  Value on_io(std::function<Value()> value) {
    std::promise<Value> promise;
    boost::asio::post(io_, [&] { promise.set_value(value()); });
    return promise.get_future().get();
  }

  std::size_t ended() {
    return on_io<std::size_t>([this] { return ended_; });
  }
  std::vector<std::string> requests() {
    return on_io<std::vector<std::string>>([this] { return requests_; });
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  FakeEvaluators executor_;
  std::unique_ptr<WorkerPool> pool_;
  std::unique_ptr<EvaluatorService> service_;
  std::uint64_t next_job_ = 1;
  std::size_t ended_ = 0;
  std::vector<std::string> requests_;  // of which host one began (+) and ended (-)
  std::thread loop_;
};

TEST_F(EvaluatorServiceTest, PrepareDescribesTheModel) {
  const EvaluatorAnswer answer = prepare();
  EXPECT_EQ(answer.fields.at("latent_channels").to_number<int>(), 4);
  EXPECT_EQ(answer.fields.at("types").at("model").as_string(), "fp32");
  EXPECT_EQ(answer.fields.at("warnings").at(0).at("code").as_string(), "note");
}

TEST_F(EvaluatorServiceTest, WhatCannotBePreparedLeavesNothing) {
  PrepareRequest request;
  request.shape = {1, 3, 2, 2};
  EXPECT_EQ(prepare(request).failure->code, ErrorCode::kBadShape);
  request.shape = {1 << 20, 4, 1 << 20, 1 << 20};
  EXPECT_EQ(prepare(request).failure->code, ErrorCode::kOutOfRange);
  request.shape = {1, 4, 2, 2};
  request.conds["bad"] = {};
  EXPECT_EQ(prepare(request).failure->code, ErrorCode::kBadRequest);
  while (ended() != 1)
    std::this_thread::yield();
}

TEST_F(EvaluatorServiceTest, PredictionsComeInMemoryOfTheirOwn) {
  const EvaluatorAnswer answer = evaluate(prepared(), {"a"}).get();
  ASSERT_FALSE(answer.failure) << answer.failure->message;
  const TensorFile file(answer.tensors, 1 << 20);
  const auto bytes = file.bytes("out.0");
  ASSERT_EQ(bytes.size(), kNumbers * sizeof(float));
  EXPECT_EQ(reinterpret_cast<const float*>(bytes.data())[kNumbers - 1], 1.5F);
}

TEST_F(EvaluatorServiceTest, WhatAHostAsksForCountsAsItsOwn) {
  const std::string id = prepared();
  EXPECT_EQ(requests(), (std::vector<std::string>{"+s", "-s"}));
  evaluate(id, {"a"}).get();
  EXPECT_EQ(requests(), (std::vector<std::string>{"+s", "-s", "+s", "-s"}));
  Answers waiting = evaluate(id, {"wait"});
  EXPECT_EQ(code(evaluate(id, {"a"})), ErrorCode::kBadRequest);
  EXPECT_EQ(requests().size(), 5U) << "what is refused never began";
  const auto host_of = [&](std::uint64_t job) {
    return on_io<std::string>([&] {
      const JobOwner* host = service_->host_of(JobId{job});
      return host == nullptr ? "none" : host->session;
    });
  };
  EXPECT_EQ(host_of(1), "s");
  EXPECT_EQ(host_of(2), "none");
  ask([&](const EvaluatorDone&) { service_->end_of(&kOne); });
  EXPECT_EQ(code(std::move(waiting)), ErrorCode::kCancelled);
  EXPECT_EQ(requests().back(), "-s");
}

TEST_F(EvaluatorServiceTest, SlotsAreReadAndWritten) {
  PrepareRequest request;
  request.slots = evaluator::Slots{0, 1, 1};
  constexpr std::size_t kBytes = kNumbers * sizeof(float);
  ipc::Fd input = memory_of(kBytes, F_SEAL_SHRINK | F_SEAL_GROW);
  ipc::Fd output = memory_of(kBytes, F_SEAL_SHRINK | F_SEAL_GROW);
  const ipc::Fd seen_input = input.duplicate();
  const ipc::Fd seen_output = output.duplicate();
  std::vector<ipc::Fd> fds;
  fds.push_back(std::move(input));
  fds.push_back(std::move(output));
  const std::string id = prepared(request, std::move(fds));
  std::vector<float> numbers(kNumbers, 2.0F);
  ASSERT_EQ(::pwrite(seen_input.get(), numbers.data(), kBytes, 0), kBytes);
  const EvaluatorAnswer answer = evaluate(id, {"a"}, true).get();
  ASSERT_FALSE(answer.failure) << answer.failure->message;
  ASSERT_EQ(::pread(seen_output.get(), numbers.data(), kBytes, 0), kBytes);
  EXPECT_EQ(numbers, std::vector<float>(kNumbers, 2.5F));
}

TEST_F(EvaluatorServiceTest, SlotsMustBeSealedAndLargeEnough) {
  PrepareRequest request;
  request.slots = evaluator::Slots{0, 1, 2};
  constexpr std::size_t kBytes = kNumbers * sizeof(float);
  const auto refusal = [&](std::size_t bytes, int seals) {
    std::vector<ipc::Fd> fds;
    fds.push_back(memory_of(kBytes, F_SEAL_SHRINK | F_SEAL_GROW));
    fds.push_back(memory_of(bytes, seals));
    return prepare(request, std::move(fds)).failure->code;
  };
  EXPECT_EQ(refusal(2 * kBytes - 1, F_SEAL_SHRINK | F_SEAL_GROW), ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal(2 * kBytes, F_SEAL_SHRINK), ErrorCode::kUnsealedMemory);
  EXPECT_EQ(refusal(2 * kBytes, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
            ErrorCode::kUnsealedMemory);
  EXPECT_EQ(prepare(request).failure->code, ErrorCode::kBadRequest);
  EXPECT_EQ(code(evaluate(prepared(), {"a"}, true)), ErrorCode::kBadRequest);
}

TEST_F(EvaluatorServiceTest, OneEvaluateAtATimeAndACancelEndsIt) {
  const std::string id = prepared();
  Answers first = evaluate(id, {"wait"});
  EXPECT_EQ(code(evaluate(id, {"a"})), ErrorCode::kBadRequest);
  const auto cancel = [&](const std::string& of, std::uint64_t request) {
    return ask([=, this](const EvaluatorDone& done) {
      service_->cancel({"", of, request});
      done({});
    });
  };
  EXPECT_FALSE(cancel(id, 8).get().failure);  // another request's id
  EXPECT_EQ(first.wait_for(std::chrono::milliseconds(5)), std::future_status::timeout);
  EXPECT_FALSE(cancel(id, 7).get().failure);
  EXPECT_EQ(code(std::move(first)), ErrorCode::kCancelled);
  EXPECT_FALSE(cancel(id, 7).get().failure);
  EXPECT_FALSE(evaluate(id, {"a"}).get().failure);
  EXPECT_EQ(code(cancel("none", 7)), ErrorCode::kNotFound);
}

// They have a thread of their own, small ones have not.
TEST_F(EvaluatorServiceTest, LargeLatentsAreEvaluatedAndCancelledAsSmallOnes) {
  const std::vector<std::int64_t> shape = {2, 4, 128, 128};
  PrepareRequest request;
  request.shape = shape;
  const std::string id = prepared(request);
  EXPECT_FALSE(evaluate(id, {"a"}, false, &kOne, 7, shape).get().failure);
  Answers waiting = evaluate(id, {"wait"}, false, &kOne, 8, shape);
  EXPECT_EQ(code(evaluate(id, {"a"}, false, &kOne, 9, shape)), ErrorCode::kBadRequest);
  ask([&](const EvaluatorDone&) { service_->cancel({"", id, 8}); });
  EXPECT_EQ(code(std::move(waiting)), ErrorCode::kCancelled);
  EXPECT_FALSE(evaluate(id, {"a"}, false, &kOne, 10, shape).get().failure);
}

TEST_F(EvaluatorServiceTest, WhatComesDuringAnEvaluateWaitsForItsEnd) {
  const std::string id = prepared();
  Answers waiting = evaluate(id, {"wait"});
  Answers dropping = ask([=, this](EvaluatorDone done) {
    service_->drop_conds(&kOne, DropCondsRequest{id, {"c"}}, std::move(done));
  });
  EXPECT_EQ(dropping.wait_for(std::chrono::milliseconds(5)), std::future_status::timeout);
  ask([&](const EvaluatorDone&) { service_->cancel({"", id, 7}); });
  EXPECT_EQ(code(std::move(waiting)), ErrorCode::kCancelled);
  EXPECT_EQ(code(std::move(dropping)), ErrorCode::kNotFound);
}

TEST_F(EvaluatorServiceTest, WhatIsNoErrorOfTandemsIsOneOfTheEvaluate) {
  const std::string id = prepared();
  EXPECT_EQ(code(evaluate(id, {"throw"})), ErrorCode::kInternal);
  EXPECT_FALSE(evaluate(id, {"a"}).get().failure);
}

TEST_F(EvaluatorServiceTest, AnEvaluatorIsItsConnectionsAlone) {
  const std::string id = prepared();
  EXPECT_EQ(code(evaluate(id, {"a"}, false, &kOther)), ErrorCode::kNotFound);
  Answers waiting = evaluate(id, {"wait"});
  boost::asio::post(io_, [this] { service_->end_of(&kOther); });
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(5)), std::future_status::timeout);
  boost::asio::post(io_, [this] { service_->end_of(&kOne); });
  EXPECT_EQ(code(std::move(waiting)), ErrorCode::kCancelled);
  while (ended() != 1)
    std::this_thread::yield();
  EXPECT_EQ(code(evaluate(id, {"a"})), ErrorCode::kNotFound);
}

TEST_F(EvaluatorServiceTest, ReleaseEndsItOnce) {
  const std::string id = prepared();
  const auto release = [&] {
    return ask([=, this](EvaluatorDone done) {
      service_->release(&kOne, ReleaseRequest{id}, std::move(done));
    });
  };
  EXPECT_FALSE(release().get().failure);
  EXPECT_EQ(code(release()), ErrorCode::kNotFound);
  EXPECT_EQ(ended(), 1U);
}

TEST_F(EvaluatorServiceTest, ThereAreOnlySoMany) {
  for (std::size_t i = 0; i < kMaxEvaluators; ++i)
    prepared();
  EXPECT_EQ(prepare().failure->code, ErrorCode::kQuota);
}

TEST_F(EvaluatorServiceTest, XMustHaveThePreparedShape) {
  PrepareRequest wider;
  wider.shape = {1, 4, 2, 4};
  EXPECT_EQ(code(evaluate(prepared(wider), {"a"})), ErrorCode::kBadShape);
}

}  // namespace
}  // namespace tandem::coordinator
