#include "tools/tandem/report.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace tandem::client {
namespace {

boost::json::object parse(const char* text) {
  return boost::json::parse(text).as_object();
}

TEST(Report, AJobIsALine) {
  const std::vector<JobStatus> jobs = {
      {.job = "j1", .state = Phase::kSampling, .step = 7, .total = 20, .failure = {}},
      {.job = "j2",
       .state = Phase::kFailed,
       .failure = Failure{ErrorCode::kInternal, "bad\nluck"}}};
  const std::vector<std::string> lines = job_lines(jobs);
  EXPECT_EQ(lines[0], "j1  sampling  7/20");
  EXPECT_TRUE(lines[1].starts_with("j2  failed  bad"));
  EXPECT_EQ(lines[1].find('\n'), std::string::npos);
  EXPECT_EQ(jobs_json(jobs).size(), 2U);
}

TEST(Report, ADeviceStandsAboveItsWorkers) {
  EXPECT_EQ(
      device_lines(parse(R"({"devices": [{"name": "cpu", "state": "quarantined",
    "reason": "it died too often", "memory_total": 8589934592, "memory_free": 1073741824,
    "budget": null, "workers": [{"name": "cpu#0", "state": "busy", "pid": 12, "threads": 2},
        {"name": "cpu#1", "state": "ready", "transport": "pinned shared memory",
         "transport_reason": "no GPU"}]}]})")),
      (std::vector<std::string>{"cpu  quarantined: it died too often  1.0 GiB of 8.0 GiB free",
                                "  cpu#0  busy  pid 12  threads 2",
                                "  cpu#1  ready  via pinned shared memory, not cuda ipc: no GPU"}));
  EXPECT_TRUE(device_lines(parse(R"({"devices": [1, "x"], "more": {}})")).empty());
}

TEST(Report, ADeviceTellsItsBudgetAndWhatItHolds) {
  EXPECT_EQ(device_lines(parse(R"({"devices": [{"name": "gpu:0", "state": "ready",
    "budget": 6442450944, "models": {"a.safetensors": 3221225472, "b.safetensors": 10485760}}]})")),
            (std::vector<std::string>{"gpu:0  ready  budget 6.0 GiB",
                                      "  holds a.safetensors 3.0 GiB, b.safetensors 10.0 MiB"}));
}

TEST(Report, AnAcceleratorThatIsThereIsALine) {
  EXPECT_EQ(accelerator_lines(parse(R"({"accelerators": {"current": "npu", "types": [
    {"type": "cuda", "available": true, "backend": "gpu",
     "devices": [{"name": "cuda:0", "description": "NVIDIA H100"}, {"name": "cuda:1"}]},
    {"type": "npu", "available": true, "backend": null, "current_only": true,
     "devices": [{"name": "npu:1"}], "reason": "Tandem has no back end for npu.",
     "problem": "deviceCount: no"}]}})")),
            (std::vector<std::string>{
                "accelerator cuda  cuda:0 NVIDIA H100, cuda:1",
                "accelerator npu  npu:1 (the current one; no count could be had)  Tandem has no "
                "back end for npu.  deviceCount: no"}));
}

TEST(Report, AcceleratorsThatAreNotHereAreOneLine) {
  EXPECT_EQ(accelerator_lines(parse(R"({"accelerators": {"current": "cpu", "types": [
    {"type": "cuda", "available": false, "backend": "gpu", "reason": "No driver."},
    {"type": "hip", "available": false, "backend": null, "reason": "Not built."},
    {"type": "xpu", "available": false, "backend": null, "problem": "isAvailable: no"}]}})")),
            std::vector<std::string>{
                "accelerators not here: cuda (No driver.), hip, xpu (isAvailable: no)"});
  EXPECT_EQ(accelerator_lines(parse(R"({"accelerators": {"error": {"message": "It hangs."}}})")),
            std::vector<std::string>{"accelerators unknown: It hangs."});
  EXPECT_TRUE(accelerator_lines(parse(R"({"devices": [], "accelerators": 3})")).empty());
  EXPECT_TRUE(accelerator_lines(parse("{}")).empty());
}

TEST(Report, WhatWasUnloadedIsALinePerDevice) {
  EXPECT_EQ(unload_lines(parse(R"({"before": {"cpu": 10485760, "gpu:0": 3221225472},
    "after": {"cpu": 0, "gpu:0": 3221225472}, "in_use": ["a.safetensors"]})")),
            (std::vector<std::string>{"cpu  10.0 MiB before, 0.0 MiB after",
                                      "gpu:0  3.0 GiB before, 3.0 GiB after",
                                      "a.safetensors is in use by a running job and stays"}));
  EXPECT_TRUE(unload_lines(parse(R"({"before": 3})")).empty());
}

TEST(Report, ACatalogIsALinePerList) {
  EXPECT_EQ(catalog_lines(parse(R"({"samplers": [{"name": "euler"}, {"name": "heun"}],
    "schedulers": ["normal"], "hook_types": [], "other": 3,
    "plugins": [{"name": "p", "hook_points": ["wrapper", "callback"], "unit_kinds": ["k"]},
                {"name": "q", "hook_points": [], "unit_kinds": ["a", "b"]}]})")),
            (std::vector<std::string>{"samplers: euler, heun", "schedulers: normal",
                                      "plugin p: hook points wrapper, callback; unit kinds k",
                                      "plugin q: unit kinds a, b"}));
}

}  // namespace
}  // namespace tandem::client
