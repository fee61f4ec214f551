#include "coordinator/service/host_session.hpp"

#include <atomic>
#include <sys/socket.h>
#include <thread>

#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "ipc/socket/blocking_connection.hpp"
#include "tests/coordinator/service/evaluators/fake_evaluators.hpp"

namespace tandem::coordinator {
namespace {

// Runs no units: a job ends with an empty result, or waits until it is cancelled where it says so
// by its cfg.
class FakeExecutor : public JobExecutor {
 public:
  static constexpr double kWaitsForCancel = 99.0;

  void check(const AcceptedJob& job) const override {
    if (job.job.context) throw Error(ErrorCode::kUnsupported, "context: no", {}, "context");
  }
  JobResult execute(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress) override {
    progress.phase(Phase::kSampling);
    while (job.job.sampler && job.job.sampler->cfg == kWaitsForCancel) {
      units.check_cancelled();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    progress.step(StepEvent{1, 1, 0.0, 0.0, 0.0, {}});
    return {};
  }
  EvaluatorExecutor& evaluators() override { return evaluators_; }
  boost::json::object catalog() const override { return {{"samplers", boost::json::array()}}; }

 private:
  FakeEvaluators evaluators_;
};

// A service on a thread of its own, and a host's end of a connection to it.
class HostSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    PoolOptions pool;
    pool.worker_program = TANDEM_FAKE_WORKER;
    pool.workers = parse_device_list("sim:1");
    service_ = std::make_unique<JobService>(io_, std::move(pool), executor_, HostLimits{});
    host_ = connect();
    loop_ = std::thread([this] { io_.run(); });
  }

  void TearDown() override {
    boost::asio::post(io_, [this] { service_->shut_down([this] { io_.stop(); }); });
    loop_.join();
  }

  std::unique_ptr<ipc::BlockingConnection> connect() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    auto connection = ipc::Connection::create(io_, ipc::Fd(ends[0]), ipc::FrameFormat::kHost);
    auto session = std::make_shared<HostSession>(io_, std::move(connection), *service_, ::getuid());
    sessions_.push_back(session);
    boost::asio::post(io_, [this, session] { session->start([this] { ++closed_; }); });
    return std::make_unique<ipc::BlockingConnection>(ipc::Fd(ends[1]), ipc::FrameFormat::kHost);
  }

  void send(const std::string& json) { host_->send({0, json, {}}); }

  boost::json::object receive() {
    auto frame = host_->receive();
    if (!frame) return {{"closed", true}};
    return boost::json::parse(frame->body).as_object();
  }

  boost::json::object ask(const std::string& json) {
    send(json);
    return receive();
  }

  void hello() {
    ASSERT_TRUE(
        ask(R"({"id":1,"type":"hello","protocol":[1,1],"client":"test"})").at("ok").as_bool());
  }

  static std::string submit(double cfg = 1.0) {
    return R"({"id":2,"type":"submit","job":{"version":1,"model":{},"sampler":{"name":"euler","cfg":)" +
           std::to_string(cfg) + R"(},"output":{"sigmas":true}}})";
  }

  // The reply to a request; events that come first are kept.
  boost::json::object reply() {
    while (true) {
      boost::json::object message = receive();
      if (!message.contains("event")) return message;
      events_.push_back(std::move(message));
    }
  }

  static std::string error_code(const boost::json::object& message) {
    return std::string(message.at("error").as_object().at("code").as_string());
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  FakeExecutor executor_;
  std::unique_ptr<JobService> service_;
  std::vector<std::shared_ptr<HostSession>> sessions_;
  std::unique_ptr<ipc::BlockingConnection> host_;
  std::vector<boost::json::object> events_;
  std::atomic<int> closed_ = 0;
  std::thread loop_;
};

TEST_F(HostSessionTest, HelloTellsWhoServes) {
  const auto answer = ask(R"({"id":7,"type":"hello","protocol":[1,3],"client":"test"})");
  EXPECT_EQ(answer.at("id").to_number<int>(), 7);
  EXPECT_EQ(answer.at("protocol").to_number<int>(), 1);
  EXPECT_EQ(answer.at("pid").to_number<int>(), ::getpid());
  EXPECT_FALSE(answer.at("session").as_string().empty());
}

TEST_F(HostSessionTest, ARequestBeforeHelloEndsTheConnection) {
  EXPECT_EQ(error_code(ask(R"({"id":1,"type":"ping"})")), "bad_frame");
  EXPECT_TRUE(receive().contains("closed"));
}

TEST_F(HostSessionTest, ABadHelloIsAnswered) {
  EXPECT_EQ(error_code(ask(R"({"id":1,"type":"hello","protocol":[2,3],"client":"x"})")),
            "unsupported_version");
  EXPECT_EQ(error_code(ask(R"({"id":1,"type":"hello","protocol":[1,1],"client":"x","colour":1})")),
            "unknown_key");
  hello();
}

TEST_F(HostSessionTest, DevicesComeWithTheAcceleratorsThatAWorkerListed) {
  hello();
  send(R"({"id":2,"type":"devices"})");
  send(R"({"id":3,"type":"devices"})");
  for (int i = 0; i < 2; ++i) {
    const auto answer = receive();
    EXPECT_EQ(answer.at("devices").at(0).at("name").as_string(), "sim");
    EXPECT_EQ(boost::json::serialize(answer.at("accelerators")), R"({"current":"npu","types":[]})");
  }
}

TEST_F(HostSessionTest, MemoryIsToldPerDevice) {
  hello();
  EXPECT_EQ(boost::json::serialize(ask(R"({"id":2,"type":"unload","all":true})")),
            R"({"id":2,"ok":true,"before":{"sim":0},"after":{"sim":0}})");
  EXPECT_TRUE(ask(R"({"id":3,"type":"budget","device":"sim","bytes":77})").at("ok").as_bool());
  EXPECT_EQ(ask(R"({"id":4,"type":"devices"})").at("devices").at(0).at("budget").to_number<int>(),
            77);
  EXPECT_TRUE(ask(R"({"id":5,"type":"budget","device":"sim","bytes":null})").at("ok").as_bool());
  EXPECT_TRUE(ask(R"({"id":6,"type":"devices"})").at("devices").at(0).at("budget").is_null());
  EXPECT_EQ(ask(R"({"id":7,"type":"free","device":"sim","bytes":5})").at("free").to_number<int>(),
            0);
}

TEST_F(HostSessionTest, MemoryOfWhatIsNotThereIsNotFound) {
  hello();
  for (const char* request : {R"({"id":2,"type":"unload","model":"none.safetensors"})",
                              R"({"id":2,"type":"free","device":"gpu:0","bytes":5})",
                              R"({"id":2,"type":"budget","device":"gpu:0","bytes":5})"}) {
    EXPECT_EQ(error_code(ask(request)), "not_found") << request;
  }
}

TEST_F(HostSessionTest, TextThatIsNoJsonEndsTheConnection) {
  hello();
  EXPECT_EQ(error_code(ask("{")), "bad_frame");
  EXPECT_TRUE(receive().contains("closed"));
  while (closed_ == 0)
    std::this_thread::yield();
}

TEST_F(HostSessionTest, WhoeverKeepsASessionIsToldOfItsEnd) {
  hello();
  host_.reset();
  while (closed_ == 0)
    std::this_thread::yield();
  host_ = connect();
  EXPECT_EQ(error_code(ask(R"({"id":1,"type":"ping"})")), "bad_frame");
  EXPECT_TRUE(receive().contains("closed"));
  while (closed_ == 1)
    std::this_thread::yield();
}

TEST_F(HostSessionTest, ABadRequestIsAnsweredAndTheConnectionStays) {
  hello();
  EXPECT_EQ(error_code(ask(R"({"id":2,"type":"jobs","colour":"red"})")), "unknown_key");
  EXPECT_EQ(error_code(ask(R"({"id":3,"type":"evaluate"})")), "bad_request");
  EXPECT_EQ(error_code(ask(R"({"id":4,"type":"job","job":"none"})")), "not_found");
  EXPECT_TRUE(ask(R"({"id":5,"type":"ping"})").at("ok").as_bool());
}

TEST_F(HostSessionTest, AllEventsComeBeforeTheResult) {
  hello();
  const auto accepted = ask(submit());
  ASSERT_TRUE(accepted.at("ok").as_bool()) << boost::json::serialize(accepted);
  const std::string job(accepted.at("job").as_string());
  send(R"({"id":3,"type":"result","job":")" + job + "\"}");
  const auto result = reply();
  EXPECT_EQ(result.at("state").as_string(), "done");
  ASSERT_FALSE(events_.empty());
  for (std::size_t i = 0; i < events_.size(); ++i) {
    EXPECT_EQ(events_[i].at("seq").to_number<std::size_t>(), i + 1);
  }
  EXPECT_EQ(events_.back().at("phase").as_string(), "done");
}

TEST_F(HostSessionTest, AnotherConnectionMayWatchFromTheStart) {
  hello();
  const std::string job(ask(submit()).at("job").as_string());
  send(R"({"id":3,"type":"result","job":")" + job + "\"}");
  reply();
  const std::size_t before = events_.size();
  host_ = connect();
  hello();
  events_.clear();
  send(R"({"id":4,"type":"watch","job":")" + job + R"(","after":1})");
  EXPECT_TRUE(reply().at("ok").as_bool());
  EXPECT_EQ(events_.size(), before - 1);
}

TEST_F(HostSessionTest, CancelEndsARunningAndAWaitingJob) {
  hello();
  const std::string running(ask(submit(FakeExecutor::kWaitsForCancel)).at("job").as_string());
  send(submit());
  const std::string waiting(reply().at("job").as_string());
  for (const std::string& job : {waiting, running, waiting}) {
    send(R"({"id":5,"type":"cancel","job":")" + job + "\"}");
    EXPECT_TRUE(reply().at("ok").as_bool());
  }
  for (const std::string& job : {waiting, running}) {
    send(R"({"id":6,"type":"result","job":")" + job + "\"}");
    EXPECT_EQ(error_code(reply()), "cancelled");
  }
}

TEST_F(HostSessionTest, WhatCannotRunIsRefusedAtSubmit) {
  hello();
  const auto answer = ask(
      R"({"id":2,"type":"submit","job":{"version":1,"model":{},"context":{},"output":{"sigmas":true}}})");
  EXPECT_EQ(error_code(answer), "unsupported");
  EXPECT_TRUE(ask(R"({"id":3,"type":"jobs"})").at("jobs").as_array().empty());
}

TEST_F(HostSessionTest, AJobMayEndWithItsConnection) {
  hello();
  std::string request = submit(FakeExecutor::kWaitsForCancel);
  request.insert(1, R"("on_disconnect":"cancel",)");
  const std::string job(ask(request).at("job").as_string());
  host_ = connect();
  hello();
  send(R"({"id":3,"type":"result","job":")" + job + "\"}");
  EXPECT_EQ(error_code(reply()), "cancelled");
}

TEST_F(HostSessionTest, TensorsNeedADescriptor) {
  hello();
  std::string request = submit();
  request.insert(1, R"("tensors":0,)");
  EXPECT_EQ(error_code(ask(request)), "bad_request");
}

}  // namespace
}  // namespace tandem::coordinator
