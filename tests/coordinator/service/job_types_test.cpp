#include "coordinator/service/job_types.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

std::string types(const job::Model& model, const models::DeviceTypes& device) {
  return boost::json::serialize(job_types(model, [&](ModelPart) { return device; }));
}

TEST(JobTypes, AreTheDevicesOwnUnlessTheJobSays) {
  job::Model model;
  EXPECT_EQ(types(model, {false, true}), R"({"model":"fp32","text":"fp32","vae":"fp32"})");
  EXPECT_EQ(types(model, {true, true}), R"({"model":"fp16","text":"fp32","vae":"bf16"})");
  EXPECT_EQ(types(model, {true, false}), R"({"model":"fp16","text":"fp32","vae":"fp32"})");
  model.dtype = ComputeType::kBF16;
  model.vae_dtype = ComputeType::kF32;
  EXPECT_EQ(types(model, {true, true}), R"({"model":"bf16","text":"fp32","vae":"fp32"})");
}

TEST(JobTypes, AreThoseOfEachPartsOwnDevice) {
  const auto on_two_devices = [](ModelPart part) {
    return models::DeviceTypes{part == ModelPart::kUnet, true};
  };
  EXPECT_EQ(boost::json::serialize(job_types({}, on_two_devices)),
            R"({"model":"fp16","text":"fp32","vae":"fp32"})");
}

}  // namespace
}  // namespace tandem::coordinator
