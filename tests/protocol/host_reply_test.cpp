#include "protocol/host_reply.hpp"

#include <limits>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "protocol/json_text.hpp"
#include "tests/protocol/expect_error.hpp"

namespace tandem {
namespace {

template <class T>
std::string text_of(const T& value) {
  return boost::json::serialize(to_json(value));
}

TEST(HostReply, Replies) {
  EXPECT_EQ(ok_reply(7), R"({"id":7,"ok":true})");
  EXPECT_EQ(ok_reply(7, {{"job", "j1"}}), R"({"id":7,"ok":true,"job":"j1"})");
  EXPECT_EQ(ok_reply(18446744073709551615U), R"({"id":18446744073709551615,"ok":true})");
  const Failure failure{ErrorCode::kNotFound, "There is no job j9.", {}, {}, {}, 0, 0};
  const std::string error =
      R"({"code":"not_found","message":"There is no job j9.","retryable":false,"fault":"request"})";
  EXPECT_EQ(error_reply(7, failure), R"({"id":7,"ok":false,"error":)" + error + "}");
  EXPECT_EQ(error_reply(std::nullopt, failure), R"({"id":null,"ok":false,"error":)" + error + "}");
  EXPECT_EQ(error_frame(failure), R"({"event":"error","error":)" + error + "}");
}

TEST(HostReply, AFailureSurvivesTheWay) {
  const Failure failure{ErrorCode::kOutOfMemory, "m", "h", "p", "gpu:0", 100, 50};
  const auto json = failure_to_json(failure, "j1");
  EXPECT_EQ(json.at("job").as_string(), "j1");
  EXPECT_EQ(json.at("retryable").as_bool(), true);
  EXPECT_EQ(json.at("fault").as_string(), "context");
  EXPECT_EQ(failure_from_json(json), failure);
}

TEST(HostReply, AClientReadsFailuresOfALaterService) {
  const Failure failure =
      failure_from_json(parse_json_object(R"({"code": "meteor", "message": "m", "altitude": 3})"));
  EXPECT_EQ(failure.code, ErrorCode::kInternal);
  EXPECT_EQ(failure.message, "m");
  EXPECT_EQ(test::failure_of([] { failure_from_json({}); }).code, ErrorCode::kBadFrame);
}

TEST(HostReply, LimitsAndStatesSurviveTheWay) {
  const HostLimits limits{1, 2, 3, 4, 5};
  EXPECT_EQ(limits_from_json(to_json(limits)), limits);
  const JobStatus status{"j1",
                         Phase::kFailed,
                         3,
                         20,
                         Failure{ErrorCode::kWorkerLost, "m", {}, {}, "cpu#0", 0, 0},
                         "5e55",
                         -3};
  EXPECT_EQ(status_from_json(to_json(status)), status);
  EXPECT_EQ(text_of(JobStatus{"j1", Phase::kSampling, 3, 20, {}, "5e55", 1}),
            R"({"job":"j1","session":"5e55","priority":1,"state":"sampling","step":3,"total":20})");
  EXPECT_THROW(status_from_json(parse_json_object(R"({"job": "a", "state": "asleep"})")), Error);
}

TEST(HostEvent, Texts) {
  EXPECT_EQ(text_of(JobEvent{"j", 1, PhaseEvent{Phase::kQueued, 2, {}, 0, 0, {}}}),
            R"({"event":"phase","job":"j","seq":1,"phase":"queued","position":2})");
  EXPECT_EQ(text_of(JobEvent{"j", 2, PhaseEvent{Phase::kLoading, {}, "a.safetensors", 0, 9, {}}}),
            R"({"event":"phase","job":"j","seq":2,"phase":"loading","file":"a.safetensors",)"
            R"("bytes":0,"of":9})");
  EXPECT_EQ(text_of(JobEvent{"j", 3,
                             StepEvent{1, 20, 14.5, 0.5, 9.5, {{"cpu#0", 2}}, {{"cpu#0", 0.25}}}}),
            R"({"event":"step","job":"j","seq":3,"step":1,"total":20,"sigma":1.45E1,)"
            R"("seconds_per_step":5E-1,"seconds_left":9.5E0,"units":{"cpu#0":2},)"
            R"("busy_seconds":{"cpu#0":2.5E-1}})");
  EXPECT_EQ(text_of(JobEvent{"j", 4, WarningEvent{"c", "m"}}),
            R"({"event":"warning","job":"j","seq":4,"code":"c","message":"m"})");
  EXPECT_EQ(text_of(JobEvent{"j", 5, WorkerEvent{"cpu#1", WorkerChange::kLost, {}, 9, "bye", {}}}),
            R"({"event":"worker","job":"j","seq":5,"worker":"cpu#1","what":"lost","signal":9,)"
            R"("last_words":"bye"})");
}

TEST(HostEvent, EventsSurviveTheWay) {
  const Failure failure{ErrorCode::kNotFinite, "m", {}, {}, {}, 0, 0};
  const std::vector<Event> events = {
      PhaseEvent{Phase::kQueued, 0, {}, 0, 0, {}},
      PhaseEvent{Phase::kLoading, {}, "f", 5, 9, {}},
      PhaseEvent{Phase::kFailed, {}, {}, 0, 0, failure},
      PhaseEvent{Phase::kDone, {}, {}, 0, 0, {}},
      StepEvent{
          1, 20, 14.6, 0.1, 1.9, {{"cpu#0", 2}, {"cpu#1", 1}}, {{"cpu#0", 0.5}, {"cpu#1", 0.25}}},
      WarningEvent{"no_previews", "m"},
      WorkerEvent{"cpu#0", WorkerChange::kStarted, {}, {}, {}, {}},
      WorkerEvent{"cpu#0", WorkerChange::kLost, 1, {}, "last\nwords", {}},
      WorkerEvent{"cpu#0", WorkerChange::kRerun, {}, {}, {}, 77},
  };
  std::uint64_t seq = 0;
  for (const Event& event : events) {
    const JobEvent sent{"j", ++seq, event};
    EXPECT_EQ(event_from_json(to_json(sent)), sent) << text_of(sent);
  }
}

TEST(HostEvent, AClientPassesOverWhatALaterServiceSends) {
  const auto read = [](const char* text) { return event_from_json(parse_json_object(text)); };
  EXPECT_EQ(read(R"({"event": "weather", "job": "j", "seq": 1})"), std::nullopt);
  EXPECT_EQ(read(R"({"event": "phase", "job": "j", "seq": 1, "phase": "resting"})"), std::nullopt);
  const auto done =
      read(R"({"event": "phase", "job": "j", "seq": 1, "phase": "done", "mood": "good"})");
  ASSERT_TRUE(done);
  EXPECT_EQ(std::get<PhaseEvent>(done->event).phase, Phase::kDone);
  EXPECT_EQ(test::failure_of([&] { read(R"({"event": "step", "seq": "one"})"); }).code,
            ErrorCode::kBadFrame);
  EXPECT_EQ(test::failure_of([&] { read("{}"); }).code, ErrorCode::kBadFrame);
}

TEST(HostEvent, NumbersThatAreNotFiniteAreLeftOut) {
  const StepEvent step{
      1, 2, 1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
      {}};
  const auto json = to_json(JobEvent{"j", 1, step});
  EXPECT_FALSE(json.contains("seconds_per_step"));
  EXPECT_FALSE(json.contains("seconds_left"));
}

TEST(HostEvent, PhasesHaveNames) {
  EXPECT_EQ(name(Phase::kCancelled), "cancelled");
  EXPECT_EQ(find_phase("decoding"), Phase::kDecoding);
  EXPECT_EQ(find_phase("x"), std::nullopt);
  EXPECT_TRUE(is_final(Phase::kFailed));
  EXPECT_FALSE(is_final(Phase::kSampling));
}

}  // namespace
}  // namespace tandem
