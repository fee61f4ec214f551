#include "protocol/accelerators.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/protocol/expect_error.hpp"

namespace tandem {
namespace {

AcceleratorList example() {
  Accelerator cuda{"cuda", true, true, {{"cuda:0", "NVIDIA H100"}, {"cuda:1", ""}}};
  cuda.backend = "gpu";
  Accelerator npu{"npu", true, true, {{"npu:1", ""}}, true};
  npu.reason = "Tandem has no back end for npu.";
  npu.problem = "deviceCount: the driver does not answer";
  return {"npu", {std::move(cuda), std::move(npu), {"mps"}}};
}

std::string text_of(const AcceleratorList& list) {
  return boost::json::serialize(to_json(list));
}

TEST(Accelerators, AreReadAsTheyWereWritten) {
  EXPECT_EQ(parse_accelerators(text_of(example())), example());
  EXPECT_EQ(parse_accelerators(text_of({})), AcceleratorList());
}

TEST(Accelerators, BeginAsTheReaderExpects) {
  EXPECT_TRUE(text_of(example()).starts_with(kAcceleratorListBegin));
}

TEST(Accelerators, TellTheCountAndNoEmptyText) {
  const boost::json::object list = to_json(example());
  const boost::json::array& types = list.at("types").as_array();
  EXPECT_EQ(types[0].at("count").to_number<int>(), 2);
  EXPECT_FALSE(types[0].as_object().contains("reason"));
  EXPECT_FALSE(types[0].at("devices").at(1).as_object().contains("description"));
  EXPECT_TRUE(types[2].at("backend").is_null());
}

std::string with_type(const std::string& keys) {
  return R"({"current": "cpu", "types": [{"type": "xpu", "built": true, "available": false, )" +
         keys + "}]}";
}

TEST(Accelerators, WhatIsNoListIsRefused) {
  struct Broken {
    std::string text;
    const char* words;
  };
  const std::string no_devices = R"("count": 0, "devices": [], "backend": null)";
  ASSERT_EQ(parse_accelerators(with_type(no_devices)).types.size(), 1U);
  for (const Broken& broken :
       {Broken{"", "line"}, Broken{"[]", "object"}, Broken{R"({"current": "cp)", "line"},
        Broken{R"({"types": []})", "current"}, Broken{R"({"current": "cpu"})", "types"},
        Broken{R"({"current": 3, "types": []})", "current"},
        Broken{R"({"current": "cpu", "types": {}})", "types"},
        Broken{R"({"current": "cpu", "types": [{}]})", "types[0].type"},
        Broken{with_type(R"("count": 1, "devices": [], "backend": null)"), "types[0].count"},
        Broken{with_type(R"("count": -1, "devices": [], "backend": null)"), "types[0].count"},
        Broken{with_type(R"("count": 1, "devices": [{"name": ""}], "backend": null)"),
               "types[0].devices[0].name"},
        Broken{with_type(R"("count": 0, "devices": [], "backend": 7)"), "types[0].backend"},
        Broken{with_type(no_devices + R"(, "colour": 1)"), "types[0].colour"},
        Broken{with_type(no_devices + R"(, "reason": ")" + std::string(1025, 'x') + "\""),
               "types[0].reason"}}) {
    const Failure failure = test::failure_of([&] { parse_accelerators(broken.text); });
    EXPECT_EQ(failure.code, ErrorCode::kBadFrame) << broken.text;
    EXPECT_NE(failure.message.find(broken.words), std::string::npos) << failure.message;
  }
}

TEST(Accelerators, TooManyAreRefused) {
  AcceleratorList many;
  many.types.assign(kMaxAcceleratorTypes + 1, {"xpu"});
  EXPECT_EQ(test::failure_of([&] { parse_accelerators(text_of(many)); }).code,
            ErrorCode::kBadFrame);
  AcceleratorList full;
  full.types = {{"xpu", true, true}};
  full.types[0].devices.assign(kMaxAcceleratorDevices + 1, {"xpu:0", ""});
  EXPECT_EQ(test::failure_of([&] { parse_accelerators(text_of(full)); }).code,
            ErrorCode::kBadFrame);
}

TEST(Accelerators, TheirNamesAreKnown) {
  for (const char* name : {"cuda", "hip", "xpu", "mps", "npu", "mlu", "directml", "corex"})
    EXPECT_TRUE(is_accelerator_name(name)) << name;
  for (const char* name : {"cpu", "gpu", "sim", "", "xpu:0"})
    EXPECT_FALSE(is_accelerator_name(name)) << name;
}

}  // namespace
}  // namespace tandem
