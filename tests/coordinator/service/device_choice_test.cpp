#include "coordinator/service/device_choice.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

const std::vector<WorkerSpec> kGpus = {
    {"gpu:0", "gpu", "gpu:0"}, {"gpu:1", "gpu", "gpu:1"}, {"cpu#0", "cpu", "cpu"}};
const std::vector<WorkerSpec> kSims = {{"sim#0", "sim", "sim@2ms"}, {"cpu#0", "cpu", "cpu"}};

job::Model asked(const char* device, const char* text_device, const char* vae_device) {
  job::Model model;
  model.device = device;
  model.text_device = text_device;
  model.vae_device = vae_device;
  return model;
}

class DeviceChoice : public ::testing::Test {
 protected:
  PartDevices choose(const job::Model& model, const std::vector<WorkerSpec>& workers) {
    warnings_.clear();
    return choose_devices(model, workers, warnings_);
  }

  std::vector<WarningEvent> warnings_;
};

TEST_F(DeviceChoice, TheDefaultIsTheKindOfTheFirstWorker) {
  EXPECT_EQ(choose({}, kGpus), PartDevices::all_on("gpu"));
  EXPECT_EQ(choose({}, kSims), PartDevices::all_on("sim"));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(DeviceChoice, EachPartIsPlacedByItself) {
  EXPECT_EQ(choose(asked("gpu:1", "cpu", "default"), kGpus), (PartDevices{"gpu:1", "cpu", "gpu"}));
  EXPECT_EQ(choose(asked("default", "cpu", "cpu"), kSims), (PartDevices{"sim", "cpu", "cpu"}));
  EXPECT_EQ(choose(asked("cpu", "default", "gpu:0"), kGpus), (PartDevices{"cpu", "gpu", "gpu:0"}));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(DeviceChoice, DefaultAfterAGpuIsAReset) {
  choose(asked("gpu:1", "gpu:1", "gpu:1"), kGpus);
  EXPECT_EQ(choose(asked("default", "default", "default"), kGpus), PartDevices::all_on("gpu"));
}

TEST_F(DeviceChoice, AnUnknownGpuLeavesThePartWhereItWas) {
  EXPECT_EQ(choose(asked("gpu:2", "cpu", "gpu:7"), kGpus), (PartDevices{"gpu", "cpu", "gpu"}));
  ASSERT_EQ(warnings_.size(), 2U);
  EXPECT_EQ(warnings_[0].code, "unknown_device");
  EXPECT_NE(warnings_[0].message.find("model.device: there is no gpu:2"), std::string::npos);
  EXPECT_NE(warnings_[1].message.find("model.vae_device: there is no gpu:7"), std::string::npos);
}

TEST_F(DeviceChoice, SoDoesEveryOtherAccelerator) {
  for (const char* name : {"xpu:0", "cuda:0", "hip:1", "mps", "npu:0", "mlu:3", "anything:0"}) {
    EXPECT_EQ(choose(asked(name, "gpu:1", "default"), kGpus), (PartDevices{"gpu", "gpu:1", "gpu"}));
    ASSERT_EQ(warnings_.size(), 1U) << name;
    EXPECT_EQ(warnings_[0].code, "unknown_device");
    EXPECT_NE(warnings_[0].message.find("model.device: there is no " + std::string(name)),
              std::string::npos);
    EXPECT_EQ(warnings_[0].message.find("gpu:N") != std::string::npos,
              kind_of_device(name) == "cuda");
    choose(asked("default", "default", name), kSims);
    ASSERT_EQ(warnings_.size(), 1U) << name;
    EXPECT_NE(warnings_[0].message.find("model.vae_device: there is no "), std::string::npos);
  }
}

TEST_F(DeviceChoice, AVaeDoesNotLeaveAGpuForTheCpu) {
  EXPECT_EQ(choose(asked("default", "default", "cpu"), kGpus), PartDevices::all_on("gpu"));
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(warnings_[0].code, "device_refused");
}

TEST(KindOfDevice, IsWhatComesBeforeTheNumber) {
  EXPECT_EQ(kind_of_device("gpu:1"), "gpu");
  EXPECT_EQ(kind_of_device("cpu"), "cpu");
}

}  // namespace
}  // namespace tandem::coordinator
