#include "coordinator/workers/device_list.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

ErrorCode code_of(std::string_view list) {
  try {
    parse_device_list(list);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "'" << list << "' was taken";
  return ErrorCode::kInternal;
}

TEST(DeviceList, NumbersWorkersOverTheWholeList) {
  const auto workers = parse_device_list("cpu:2,sim@5ms,cpu");
  ASSERT_EQ(workers.size(), 4U);
  EXPECT_EQ(workers[0], (WorkerSpec{"cpu#0", "cpu", "cpu"}));
  EXPECT_EQ(workers[1], (WorkerSpec{"cpu#1", "cpu", "cpu"}));
  EXPECT_EQ(workers[2], (WorkerSpec{"sim#0", "sim", "sim@5ms"}));
  EXPECT_EQ(workers[3], (WorkerSpec{"cpu#2", "cpu", "cpu"}));
}

TEST(DeviceList, TakesATimeForSimulatedDevices) {
  const auto workers = parse_device_list("sim:8@300us");
  ASSERT_EQ(workers.size(), 8U);
  EXPECT_EQ(workers[7], (WorkerSpec{"sim#7", "sim", "sim@300us"}));
}

TEST(DeviceList, NamesAGpusOnlyWorkerAfterTheGpu) {
  const auto workers = parse_device_list("gpu:1,gpu:0x2,cpu");
  ASSERT_EQ(workers.size(), 4U);
  EXPECT_EQ(workers[0], (WorkerSpec{"gpu:1", "gpu", "gpu:1"}));
  EXPECT_EQ(workers[1], (WorkerSpec{"gpu:0#0", "gpu", "gpu:0"}));
  EXPECT_EQ(workers[2], (WorkerSpec{"gpu:0#1", "gpu", "gpu:0"}));
  EXPECT_EQ(workers[3], (WorkerSpec{"cpu#0", "cpu", "cpu"}));
  EXPECT_EQ(workers[2].place(), "gpu:0");
  EXPECT_EQ(parse_device_list("sim@5ms").front().place(), "sim");
}

TEST(DeviceList, RefusesWhatItCannotRead) {
  for (const char* list :
       {"", ",", "cpu,", "cpu:", "cpu:x", "tpu", "cpu@5ms", "sim@", "sim@5", "sim@-1ms",
        "sim@nanms", "gpu", "gpu:", "gpu:x", "gpu:x2", "gpu:0x", "gpu:0@5ms"}) {
    EXPECT_EQ(code_of(list), ErrorCode::kBadRequest) << list;
  }
}

TEST(DeviceList, RefusesAcceleratorsWithoutABackEndByName) {
  for (const char* list : {"xpu:0", "xpu", "mps", "hip:0", "npu:0", "cpu,mlu:1", "directml:0x2"}) {
    try {
      parse_device_list(list);
      ADD_FAILURE() << list;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupported) << list;
      EXPECT_NE(std::string(error.what()).find("Tandem has no back end for "), std::string::npos);
      EXPECT_NE(error.failure().hint.find("gpu:N"), std::string::npos);
    }
  }
  EXPECT_EQ(code_of("cuda:0"), ErrorCode::kUnsupported);
}

TEST(DeviceList, BoundsTheNumberOfWorkers) {
  EXPECT_EQ(code_of("cpu:0"), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of("cpu:65"), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of("cpu:40,sim:40"), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of("gpu:0x65"), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of("gpu:256"), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of("sim@61s"), ErrorCode::kOutOfRange);
}

TEST(DeviceList, SharesTheCoresAmongCpuWorkers) {
  EXPECT_EQ(default_threads(parse_device_list("cpu:2"), 8), 4);
  EXPECT_EQ(default_threads(parse_device_list("cpu:3"), 2), 1);
  EXPECT_EQ(default_threads(parse_device_list("sim:3"), 8), 1);
}

TEST(DeviceList, WaitsBusilyWhereCoresAreLeft) {
  const auto of = [](const char* choice, const char* list, unsigned cores) {
    return busy_waits(choice, parse_device_list(list), cores);
  };
  constexpr BusyWaits kAll{true, true}, kService{true, false}, kNone{};
  EXPECT_EQ(of("auto", "gpu:0,gpu:1", 4), kAll);
  EXPECT_EQ(of("auto", "gpu:0,gpu:1", 3), kService);
  EXPECT_EQ(of("auto", "gpu:0,gpu:1", 2), kNone);
  EXPECT_EQ(of("auto", "gpu:0,cpu:1", 3), kAll);
  EXPECT_EQ(of("auto", "gpu:0,cpu:1", 2), kNone);
  EXPECT_EQ(of("auto", "cpu:2", 64), kNone);
  EXPECT_EQ(of("auto", "sim:8", 2), kService);
  EXPECT_EQ(of("auto", "sim:8", 1), kNone);
  EXPECT_EQ(of("on", "cpu:2", 1), kAll);
  EXPECT_EQ(of("off", "gpu:0", 64), kNone);
}

}  // namespace
}  // namespace tandem::coordinator
