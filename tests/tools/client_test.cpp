#include "tools/client/client.hpp"

#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "protocol/job/job_json.hpp"
#include "tests/tools/fake_service.hpp"
#include "tests/tools/tensor_files.hpp"
#include "tests/tools/test_folder.hpp"

namespace tandem::client {
namespace {

using namespace std::chrono_literals;

job::Job job_of(const std::string& text) {
  return job::parse_job(R"({"version": 1, "positive": [{"text": ")" + text +
                        R"("}], "output": {"image": "i.png"}})");
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

class ClientTest : public testing::Test {
 protected:
  std::string socket() const { return (folder_ / "s.sock").string(); }

  TestFolder folder_;
};

// A service that says hello and then does what `then` does.
FakeService::Serve after_hello(std::function<void(ipc::BlockingConnection&)> then) {
  return [then = std::move(then)](ipc::BlockingConnection connection) {
    connection.receive();
    connection.send({0, R"({"id": 1, "ok": true, "version": "x", "session": "s"})", {}});
    then(connection);
  };
}

TEST_F(ClientTest, HelloTellsAboutTheService) {
  const FakeService service(socket());
  const Client client(socket(), "test");
  EXPECT_EQ(client.service().version, "0.0-fake");
  EXPECT_EQ(client.service().session, "s1");
  EXPECT_EQ(client.service().limits.queued_jobs, 3U);
  EXPECT_EQ(client.service().pid, ::getpid());
}

TEST_F(ClientTest, NoServiceIsNotFound) {
  EXPECT_EQ(code_of([&] { Client(socket(), "test"); }), ErrorCode::kNotFound);
}

TEST_F(ClientTest, AJobGivesEventsAndTensors) {
  const FakeService service(socket());
  Client client(socket(), "test");
  std::vector<std::uint64_t> seqs;
  client.on_event([&](const JobEvent& event) { seqs.push_back(event.seq); });
  const JobTensors tensors = sealed({float_tensor("a", {2}, {1.0F, 2.0F})});
  const std::string id = client.submit(job_of("x"), &tensors, {});
  const JobResult result = client.wait_result(id);
  EXPECT_EQ(seqs, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(result.job, "job-1");
  ASSERT_TRUE(result.tensors.has_value());
  EXPECT_EQ(result.tensors->layout("image").shape, (std::vector<std::int64_t>{1, 1, 1, 3}));
  EXPECT_EQ(result.tensors->bytes("image").size(), 12U);
  EXPECT_EQ(code_of([&] { result.tensors->layout("other"); }), ErrorCode::kMissingTensor);
}

TEST_F(ClientTest, AResultOutlivesItsConnection) {
  const FakeService service(socket());
  std::optional<JobResult> result;
  {
    Client client(socket(), "test");
    result = client.wait_result(client.submit(job_of("x"), nullptr, {}));
  }
  EXPECT_NE(result->tensors->bytes("image")[3], std::byte{0});
}

TEST_F(ClientTest, AFailedJobThrowsItsError) {
  const FakeService service(socket());
  Client client(socket(), "test");
  const std::string id = client.submit(job_of("fail"), nullptr, {});
  try {
    client.wait_result(id);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
    EXPECT_EQ(error.failure().worker, "cpu#0");
    EXPECT_EQ(error.failure().needed_bytes, 2000U);
  }
  client.ping();  // the connection goes on
}

TEST_F(ClientTest, TheOtherRequestsAreAnswered) {
  const FakeService service(socket());
  {
    Client client(socket(), "test");
    EXPECT_EQ(client.jobs().front().job, "job-1");
    EXPECT_EQ(client.job("job-1").at("state"), "done");
    EXPECT_EQ(code_of([&] { client.job("other"); }), ErrorCode::kNotFound);
    EXPECT_FALSE(client.devices().contains("ok"));
    EXPECT_TRUE(client.catalog().contains("samplers"));
    client.watch("job-1", 3);
    client.cancel("job-1");
    client.forget("job-1");
  }
  const Client last(socket(), "test");  // served once the first one has ended
  EXPECT_EQ(service.seen(), (std::vector<std::string>{"hello", "jobs", "job", "job", "devices",
                                                      "catalog", "watch", "cancel", "forget"}));
}

// The reply to `result` comes before the reply to a cancel that an event's handler asked for.
TEST_F(ClientTest, RepliesMayComeOutOfOrder) {
  const FakeService service(
      socket(), after_hello([](ipc::BlockingConnection& connection) {
        connection.receive();
        connection.send(
            {0, R"({"event": "step", "job": "j", "seq": 1, "step": 1, "total": 2})", {}});
        connection.receive();
        connection.send(
            {0, R"({"id": 2, "ok": true, "state": "done", "outputs": {"tokens": {}}})", {}});
        connection.send({0, R"({"id": 99, "ok": true})", {}});
        connection.send({0, R"({"id": 3, "ok": true})", {}});
        connection.receive();
      }));
  Client client(socket(), "test");
  int cancelled = 0;
  client.on_event([&](const JobEvent&) {
    client.cancel("j");
    ++cancelled;
  });
  const JobResult result = client.wait_result("j");
  EXPECT_EQ(cancelled, 1);
  EXPECT_TRUE(result.outputs.contains("tokens"));
  EXPECT_FALSE(result.tensors.has_value());
}

TEST_F(ClientTest, AnEndedConnectionIsAnError) {
  const FakeService service(socket(), after_hello([](ipc::BlockingConnection&) {}));
  Client client(socket(), "test");
  EXPECT_NE(code_of([&] { client.wait_result("j"); }), ErrorCode::kCancelled);
}

TEST_F(ClientTest, AnErrorFrameIsThrown) {
  const FakeService service(
      socket(), after_hello([](ipc::BlockingConnection& connection) {
        connection.receive();
        connection.send({0, error_frame({ErrorCode::kBadFrame, "no frame"}), {}});
      }));
  Client client(socket(), "test");
  EXPECT_EQ(code_of([&] { client.ping(); }), ErrorCode::kBadFrame);
}

TEST_F(ClientTest, AnAnswerOutsideTheProtocolIsABadFrame) {
  for (const char* answer :
       {"[]", "{", R"({"id": 2, "ok": false})", R"({"id": 2})",
        R"({"id": 2, "ok": true, "tensors": 0})", R"({"id": 2, "ok": true, "tensors": -1})"}) {
    const FakeService service(socket(), after_hello([&](ipc::BlockingConnection& connection) {
                                connection.receive();
                                connection.send({0, answer, {}});
                                connection.receive();
                              }));
    Client client(socket(), "test");
    EXPECT_EQ(code_of([&] { client.wait_result("j"); }), ErrorCode::kBadFrame) << answer;
  }
}

TEST_F(ClientTest, ASilentServiceIsGivenUp) {
  const FakeService service(socket(), after_hello([](ipc::BlockingConnection& connection) {
                              connection.receive();
                              connection.receive();
                            }));
  Client client(socket(), "test", 100ms);
  EXPECT_EQ(code_of([&] { client.ping(); }), ErrorCode::kResourceExhausted);
}

TEST_F(ClientTest, AnotherThreadInterrupts) {
  const FakeService service(socket());
  Client client(socket(), "test");
  const std::string id = client.submit(job_of("hang"), nullptr, {});
  const std::jthread other([&] {
    std::this_thread::sleep_for(20ms);
    client.interrupt();
  });
  EXPECT_EQ(code_of([&] { client.wait_result(id); }), ErrorCode::kCancelled);
  EXPECT_EQ(code_of([&] { client.ping(); }), ErrorCode::kCancelled);
}

TEST_F(ClientTest, AStopConditionInterrupts) {
  const FakeService service(socket());
  Client client(socket(), "test");
  const std::string id = client.submit(job_of("hang"), nullptr, {});
  client.stop_when([] { return true; });
  EXPECT_EQ(code_of([&] { client.wait_result(id); }), ErrorCode::kCancelled);
}

TEST(JobTensors, ChecksTheFileAndTheNames) {
  const std::string file = safetensors_file({float_tensor("a", {1}, {1.0F})});
  const auto bytes = std::as_bytes(std::span(file));
  EXPECT_EQ(code_of([&] { JobTensors::copy(bytes.first(bytes.size() - 1), "t"); }),
            ErrorCode::kBadCheckpoint);
  const JobTensors tensors = JobTensors::copy(bytes, "t");
  const auto job =
      job::parse_job(R"({"version": 1, "latent": {"tensor": "a"}, "output": {"latent": true}})");
  check_tensors(job, &tensors, "");
  EXPECT_EQ(code_of([&] { check_tensors(job, nullptr, "hint"); }), ErrorCode::kMissingTensor);
  const auto other =
      job::parse_job(R"({"version": 1, "latent": {"tensor": "b"}, "output": {"latent": true}})");
  try {
    check_tensors(other, &tensors, "");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.failure().path, "latent.tensor");
  }
}

}  // namespace
}  // namespace tandem::client
