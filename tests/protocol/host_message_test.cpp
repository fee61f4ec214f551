#include "protocol/host_message.hpp"

#include "protocol/job/job_json.hpp"
#include "protocol/json_text.hpp"
#include "tests/protocol/expect_error.hpp"

namespace tandem {
namespace {

using test::failure_of;

Request parse(std::string_view text) {
  return parse_request(open_request(text));
}

Failure refusal(std::string_view text) {
  return failure_of([&] { parse(text); });
}

const std::string kJob =
    R"({"version": 1, "positive": [{"text": "x"}], "output": {"image": true}})";

TEST(HostMessage, EveryRequestIsRead) {
  EXPECT_EQ(
      parse(R"({"id": 1, "type": "hello", "protocol": [1, 3], "client": "c", "session": "s"})"),
      Request(HelloRequest{1, 3, "c", "s"}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "catalog"})"), Request(CatalogRequest{}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "devices"})"), Request(DevicesRequest{}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "jobs"})"), Request(JobsRequest{}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "job", "job": "j1"})"), Request(JobRequest{"j1"}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "watch", "job": "j1", "after": 12})"),
            Request(WatchRequest{"j1", 12}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "cancel", "job": "j1"})"), Request(CancelRequest{"j1"}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "result", "job": "j1"})"), Request(ResultRequest{"j1"}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "forget", "job": "j1"})"), Request(ForgetRequest{"j1"}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "ping"})"), Request(PingRequest{}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "unload", "model": "a.safetensors"})"),
            Request(UnloadRequest{"a.safetensors"}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "unload", "all": true})"), Request(UnloadRequest{}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "free", "device": "cpu", "bytes": 5})"),
            Request(FreeRequest{"cpu", 5}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "budget", "device": "gpu:0", "bytes": 5})"),
            Request(BudgetRequest{"gpu:0", 5}));
  EXPECT_EQ(parse(R"({"id": 1, "type": "budget", "device": "cpu", "bytes": null})"),
            Request(BudgetRequest{"cpu", {}}));
}

TEST(HostMessage, SubmitCarriesATypedJob) {
  const Request request =
      parse(R"({"id": 2, "type": "submit", "job": )" + kJob +
            R"(, "tensors": 0, "events": ["phase", "step", "preview"], "on_disconnect": "cancel",
               "priority": -10})");
  const auto& submit = std::get<SubmitRequest>(request);
  EXPECT_EQ(submit.job, job::parse_job(std::string_view(kJob)));
  EXPECT_EQ(submit.tensors, 0);
  EXPECT_TRUE(submit.previews);
  EXPECT_EQ(submit.on_disconnect, OnDisconnect::kCancel);
  EXPECT_EQ(submit.priority, -10);
}

TEST(HostMessage, SubmitsDefaults) {
  const auto submit =
      std::get<SubmitRequest>(parse(R"({"id": 2, "type": "submit", "job": )" + kJob + "}"));
  EXPECT_FALSE(submit.tensors || submit.previews);
  EXPECT_EQ(submit.on_disconnect, OnDisconnect::kKeep);
  EXPECT_EQ(submit.priority, 0);
}

TEST(HostMessage, WhatAClientSendsIsWhatTheServiceReads) {
  const std::vector<Request> requests = {
      HelloRequest{1, 1, "test", std::nullopt},
      HelloRequest{1, 1, "", "again"},
      CatalogRequest{},
      DevicesRequest{},
      SubmitRequest{job::parse_job(std::string_view(kJob)), 0, true, OnDisconnect::kCancel, 3},
      JobsRequest{},
      JobRequest{"a"},
      WatchRequest{"a", 18446744073709551615U},
      CancelRequest{"a"},
      ResultRequest{"a"},
      ForgetRequest{"a"},
      PingRequest{},
      UnloadRequest{"a"},
      UnloadRequest{},
      FreeRequest{"cpu", 1},
      BudgetRequest{"cpu", 1},
      BudgetRequest{"cpu", {}},
      WorkerRequest{"cpu#1", WorkerAction::kDrain},
  };
  for (const Request& request : requests) {
    const std::string text = to_json(9, request);
    EXPECT_EQ(open_request(text).id, 9U);
    EXPECT_EQ(parse(text), request) << text;
  }
}

TEST(HostMessage, OnlyATextThatIsNoObjectClosesTheConnection) {
  for (const char* text : {"", "[]", "{", "{\"id\": 1, \"id\": 2}"}) {
    EXPECT_EQ(failure_of([&] { open_request(text); }).code, ErrorCode::kBadFrame) << text;
  }
  EXPECT_EQ(open_request("{}").id, std::nullopt);
  EXPECT_EQ(open_request(R"({"id": "7"})").id, std::nullopt);
  EXPECT_EQ(open_request(R"({"id": -7})").id, std::nullopt);
  EXPECT_EQ(open_request(R"({"id": 7, "type": 1, "x": {}})").id, 7U);
}

TEST(HostMessage, ErrorsAreForTheReply) {
  EXPECT_EQ(refusal("{}").path, "id");
  EXPECT_EQ(refusal(R"({"id": -7, "type": "ping"})").path, "id");
  EXPECT_EQ(refusal(R"({"id": 7})").path, "type");
  EXPECT_EQ(refusal(R"({"id": 7, "type": "pong"})").hint, "Did you mean 'ping'?");
  EXPECT_EQ(refusal(R"({"id": 7, "type": "ping", "x": 1})").code, ErrorCode::kUnknownKey);
  EXPECT_EQ(refusal(R"({"id": 7, "type": "job"})").path, "job");
  EXPECT_EQ(refusal(R"({"id": 7, "type": "job", "job": 1})").code, ErrorCode::kBadRequest);
  EXPECT_EQ(refusal(R"({"id": 7, "type": "watch", "job": "a", "after": -1})").path, "after");
}

TEST(HostMessage, SubmitsErrorsNameTheJobsPath) {
  const auto with = [](const std::string& rest) {
    return refusal(R"({"id": 7, "type": "submit", "job": )" + kJob + ", " + rest + "}");
  };
  EXPECT_EQ(with(R"("priority": 11)").code, ErrorCode::kOutOfRange);
  EXPECT_EQ(with(R"("tensors": 8)").path, "tensors");
  EXPECT_EQ(with(R"("events": ["phase", "steps"])").path, "events[1]");
  EXPECT_EQ(with(R"("on_disconnect": "drop")").path, "on_disconnect");
  const Failure failure = refusal(
      R"({"id": 7, "type": "submit", "job": {"version": 1, "positive": [{"text": "a", "x": 1}],
          "output": {"image": true}}})");
  EXPECT_EQ(failure.path, "positive[0].x");
  EXPECT_EQ(failure.code, ErrorCode::kUnknownKey);
}

TEST(HostMessage, RequestsAboutMemoryAreChecked) {
  const auto code = [](const std::string& rest) {
    return refusal(R"({"id": 1, "type": )" + rest + "}").code;
  };
  EXPECT_EQ(code(R"("unload")"), ErrorCode::kBadRequest);
  EXPECT_EQ(code(R"("unload", "all": false)"), ErrorCode::kBadRequest);
  EXPECT_EQ(code(R"("unload", "all": true, "model": "a")"), ErrorCode::kBadRequest);
  EXPECT_EQ(code(R"("free", "device": "cpu")"), ErrorCode::kBadRequest);
  EXPECT_EQ(code(R"("free", "device": "cpu", "bytes": -1)"), ErrorCode::kOutOfRange);
  EXPECT_EQ(code(R"("budget", "bytes": 1)"), ErrorCode::kBadRequest);
  EXPECT_EQ(code(R"("budget", "device": "cpu", "bytes": 1, "more": 1)"), ErrorCode::kUnknownKey);
}

TEST(HostMessage, WorkersAreToldWhatToDo) {
  EXPECT_EQ(parse(R"({"id": 7, "type": "worker", "device": "gpu:0", "action": "disable"})"),
            Request(WorkerRequest{"gpu:0", WorkerAction::kDisable}));
  EXPECT_EQ(refusal(R"({"id": 7, "type": "worker", "device": "cpu", "action": "sleep"})").code,
            ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal(R"({"id": 7, "type": "worker", "device": "cpu"})").code,
            ErrorCode::kBadRequest);
}

TEST(HostMessage, HelloMustIncludeThisVersion) {
  EXPECT_EQ(refusal(R"({"id": 1, "type": "hello", "protocol": [2, 3]})").code,
            ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(refusal(R"({"id": 1, "type": "hello", "protocol": [0, 0]})").code,
            ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(refusal(R"({"id": 1, "type": "hello", "protocol": [1]})").code, ErrorCode::kBadRequest);
  EXPECT_EQ(refusal(R"({"id": 1, "type": "hello", "protocol": 1})").path, "protocol");
  EXPECT_EQ(refusal(R"({"id": 1, "type": "hello"})").path, "protocol");
}

}  // namespace
}  // namespace tandem
