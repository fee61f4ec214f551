#include "tools/client/outputs.hpp"

#include <fcntl.h>
#include <limits>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "protocol/job/job_json.hpp"
#include "tests/tools/png_pixels.hpp"
#include "tests/tools/tensor_files.hpp"
#include "tests/tools/test_folder.hpp"
#include "tools/client/whole_file.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;

job::Job job_with(const std::string& outputs) {
  return job::parse_job(R"({"version": 1, "output": )" + outputs + "}");
}

JobResult result_with(const std::string& outputs, const std::vector<TestTensor>& tensors) {
  JobResult result{
      .job = "j", .outputs = boost::json::parse(outputs).as_object(), .tensors = {}, .types = {}};
  if (!tensors.empty()) result.tensors.emplace(sealed(tensors).fd());
  return result;
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

TEST(Outputs, NamesStayInTheirFolder) {
  const OutputPlace place{"/out", true};
  EXPECT_EQ(output_path("image", "a.png", place), "/out/a.png");
  EXPECT_EQ(output_path("image", "sub/./x/../a.png", place), "/out/sub/a.png");
  EXPECT_EQ(output_path("image", "/else/a.png", place), "/else/a.png");
  for (const char* name : {"../a.png", "sub/../../a.png", "./../a.png"}) {
    EXPECT_EQ(code_of([&] { output_path("image", name, place); }), ErrorCode::kOutOfRange) << name;
  }
  for (const char* name : {".", "..", "sub/", "/", "a/.."}) {
    EXPECT_EQ(code_of([&] { output_path("image", name, place); }), ErrorCode::kBadRequest) << name;
  }
}

TEST(Outputs, NamesAreCheckedBeforeTheJobRuns) {
  const OutputPlace place{"/out", false};
  const auto check = [&](const std::string& outputs) {
    check_outputs(job_with(outputs).output, place);
  };
  check(R"({"latent": "l.safetensors", "image": "i.png", "tokens": true})");
  EXPECT_EQ(code_of([&] { check(R"({"latent": "a", "noise": "b/../a"})"); }),
            ErrorCode::kBadRequest);
  EXPECT_EQ(code_of([&] { check(R"({"image": "i.jpg"})"); }), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of([&] { check(R"({"latent": "../a"})"); }), ErrorCode::kOutOfRange);
}

TEST(Outputs, EachFileHoldsItsOwnTensors) {
  const TestFolder folder;
  const auto samples = float_tensor("samples", {1, 2}, {1.5F, -2.0F});
  const auto sigmas = float_tensor("sigmas", {3}, {3.0F, 2.0F, 0.0F});
  const JobResult result =
      result_with(R"({"latent": ["samples"], "sigmas": ["sigmas"]})", {samples, sigmas});
  const auto written =
      write_outputs(job_with(R"({"latent": "l.safetensors", "sigmas": "sub/s.safetensors"})"),
                    result, {folder.path(), true});
  EXPECT_EQ(written,
            (std::vector<WrittenOutput>{{"latent", {(folder / "l.safetensors").string()}},
                                        {"sigmas", {(folder / "sub/s.safetensors").string()}}}));
  EXPECT_EQ(read_text(folder / "l.safetensors"), safetensors_file({samples}));
  EXPECT_EQ(read_text(folder / "sub/s.safetensors"), safetensors_file({sigmas}));
}

TEST(Outputs, FoldersAreMadeBelowTheOutDirAlone) {
  const TestFolder folder;
  const JobResult result =
      result_with(R"({"latent": ["samples"]})", {float_tensor("samples", {1}, {1.0F})});
  const job::Job job = job_with(R"({"latent": "sub/l.safetensors"})");
  EXPECT_EQ(code_of([&] {
              write_outputs(job, result, {folder.path(), false});
            }),
            ErrorCode::kMissingFile);
  EXPECT_TRUE(folder.names().empty());
  write_outputs(job, result, {folder / "new/out", true});
  EXPECT_TRUE(fs::exists(folder / "new/out/sub/l.safetensors"));
}

TEST(Outputs, JsonIsWrittenAsItCame) {
  const TestFolder folder;
  const std::string tokens = R"({"tokens":{"positive":[{"l":[[[49406,1.0]]]}],"negative":[]}})";
  const JobResult result = result_with(R"({"tokens": )" + tokens + "}", {});
  write_outputs(job_with(R"({"tokens": "t.json"})"), result, {folder.path(), false});
  EXPECT_EQ(boost::json::parse(read_text(folder / "t.json")), boost::json::parse(tokens));
}

TEST(Outputs, PixelsAreCutToWholeSteps) {
  const TestFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const JobResult result = result_with(
      R"({"image": ["image"]})",
      {float_tensor("image", {1, 1, 3, 3},
                    {0.0F, 1.0F, 0.5F, -3.0F, 7.0F, nan, 0.9F / 255, 1.1F / 255, 254.9F / 255})});
  write_outputs(job_with(R"({"image": "i.png"})"), result, {folder.path(), false});
  const Pixels pixels = decode_rgb(read_whole_file(folder / "i.png", 1 << 20));
  EXPECT_EQ(pixels.width, 3U);
  EXPECT_EQ(pixels.height, 1U);
  EXPECT_EQ(pixels.rgb, (std::vector<std::uint8_t>{0, 255, 127, 0, 255, 0, 0, 1, 254}));
}

TEST(Outputs, ABatchIsNumbered) {
  const TestFolder folder;
  TestTensor image{"image", {DType::kU8, {2, 1, 1, 3}}, std::string("\x01\x02\x03\x04\x05\x06", 6)};
  const JobResult result = result_with(R"({"image": ["image"]})", {image});
  const auto written =
      write_outputs(job_with(R"({"image": "i.png"})"), result, {folder.path(), false});
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"i-0.png", "i-1.png"}));
  EXPECT_EQ(written.front().files.size(), 2U);
  EXPECT_EQ(decode_rgb(read_whole_file(folder / "i-1.png", 1 << 20)).rgb,
            (std::vector<std::uint8_t>{4, 5, 6}));
}

TEST(Outputs, AnImageMayStayATensor) {
  const TestFolder folder;
  const auto image = float_tensor("image", {1, 1, 1, 3}, {0.1F, 0.2F, 0.3F});
  write_outputs(job_with(R"({"image": "i.safetensors"})"),
                result_with(R"({"image": ["image"]})", {image}), {folder.path(), false});
  EXPECT_EQ(read_text(folder / "i.safetensors"), safetensors_file({image}));
}

TEST(Outputs, AResultThatLacksWhatItNamesIsRefused) {
  const TestFolder folder;
  const auto samples = float_tensor("samples", {1}, {1.0F});
  const job::Job job = job_with(R"({"latent": "l.safetensors"})");
  for (const char* outputs :
       {"{}", R"({"latent": []})", R"({"latent": ["other"]})", R"({"latent": {"samples": 1}})"}) {
    EXPECT_EQ(code_of([&] {
                write_outputs(job, result_with(outputs, {samples}), {folder.path(), false});
              }),
              ErrorCode::kMissingTensor)
        << outputs;
  }
  EXPECT_EQ(code_of([&] {
              write_outputs(job_with(R"({"image": "i.png"})"),
                            result_with(R"({"image": ["samples"]})", {samples}),
                            {folder.path(), false});
            }),
            ErrorCode::kBadShape);
  EXPECT_TRUE(folder.names().empty());
}

TEST(Outputs, OnlySealedMemoryIsRead) {
  const TestFolder folder;
  write_text(folder / "f", safetensors_file({float_tensor("a", {1}, {1.0F})}));
  const ipc::Fd file(::open((folder / "f").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(code_of([&] { ResultTensors tensors(file); }), ErrorCode::kUnsealedMemory);
}

}  // namespace
}  // namespace tandem::client
