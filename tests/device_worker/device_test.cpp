#include "device_worker/device/device.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

ErrorCode code_of(const char* device) {
  try {
    make_device(device, {});
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << device << " was made";
  return ErrorCode::kInternal;
}

TEST(Device, TheListKnowsCpuAndSim) {
  WorkerHello hello;
  make_device("cpu", {})->describe(hello);
  EXPECT_EQ(hello.device, "cpu");
  EXPECT_EQ(hello.threads, 1);
  EXPECT_GT(hello.memory_total, 0U);
  EXPECT_FALSE(hello.description.empty());
  make_device("sim@2ms", {})->describe(hello);
  EXPECT_EQ(hello.device, "sim");
}

TEST(Device, OthersAndTheirOptionsAreRefused) {
  EXPECT_EQ(code_of("tpu:0"), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of("gpu:x"), ErrorCode::kBadRequest);
  EXPECT_EQ(code_of("cpu@2ms"), ErrorCode::kBadRequest);
  EXPECT_EQ(code_of("sim@soon"), ErrorCode::kBadRequest);
}

TEST(Device, AFileThatIsNotThereIsAnErrorOfTheModel) {
  ModelSpec spec;
  spec.file = "/nowhere/model.safetensors";
  for (const char* device : {"cpu", "sim"}) {
    try {
      make_device(device, {})->open(spec);
      FAIL() << device;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMissingFile);
    }
  }
}

}  // namespace
}  // namespace tandem::worker
