#include "tools/client/job_file.hpp"

#include <cstdint>

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "protocol/job/job_json.hpp"
#include "tests/tools/test_folder.hpp"
#include "tools/client/picture_text.hpp"
#include "tools/client/whole_file.hpp"

namespace tandem::client {
namespace {

Failure failure_of(const std::filesystem::path& path) {
  try {
    load_job(path);
  } catch (const Error& error) {
    return error.failure();
  }
  ADD_FAILURE() << "no error";
  return {};
}

void write_picture(const std::filesystem::path& path, const std::vector<PngText>& texts) {
  const std::vector<std::uint8_t> pixels(12);
  const std::vector<std::byte> png = encode_png({2, 2, pixels}, texts);
  const std::span<const std::byte> part = png;
  write_whole_file(path, std::span(&part, 1));
}

TEST(JobFile, InputsAreBesideTheJob) {
  const TestFolder folder;
  write_text(folder / "job.json", R"({"version": 1, "model": {"file": "../m.safetensors",
    "vae": "/v.safetensors"}, "output": {"image": "i.png"}})");
  const JobFile file = load_job(folder / "job.json");
  EXPECT_EQ(file.job.model.file, (folder.path().parent_path() / "m.safetensors").string());
  EXPECT_EQ(file.job.model.vae, "/v.safetensors");
  EXPECT_EQ(file.job.output.image.file, "i.png");
  EXPECT_EQ(file.folder, folder.path());
  EXPECT_FALSE(file.is_picture);
}

TEST(JobFile, ANameOfNoFileBesideTheJobIsTheServicesToFind) {
  const TestFolder folder;
  write_text(folder / "here.safetensors", "");
  write_text(folder / "job.json", R"({"version": 1, "model": {"file": "here.safetensors",
    "vae": "sub/there.safetensors", "upscale": "./none.safetensors"}, "output": {"image": "i.png"}})");
  const JobFile file = load_job(folder / "job.json");
  EXPECT_EQ(file.job.model.file, folder / "here.safetensors");
  EXPECT_EQ(file.job.model.vae, "sub/there.safetensors");
  EXPECT_EQ(file.job.model.upscale, folder / "none.safetensors");
}

TEST(JobFile, ErrorsNameFileAndKey) {
  const TestFolder folder;
  write_text(folder / "job.json", R"({"version": 1, "sampler": {"stepz": 3}})");
  const Failure failure = failure_of(folder / "job.json");
  EXPECT_EQ(failure.code, ErrorCode::kUnknownKey);
  EXPECT_EQ(failure.path, "sampler.stepz");
  EXPECT_TRUE(failure.message.starts_with("job.json: ")) << failure.message;
  write_text(folder / "cut.json", R"({"version": 1,)");
  EXPECT_EQ(failure_of(folder / "cut.json").code, ErrorCode::kBadRequest);
  EXPECT_EQ(failure_of(folder / "none.json").code, ErrorCode::kMissingFile);
}

TEST(JobFile, APictureKeepsTheTypesThatItsJobComputedIn) {
  job::Job job;
  job.model.vae_dtype = ComputeType::kBF16;
  const job::Job told =
      with_types(job, {{"model", "fp16"}, {"text", "fp32"}, {"vae", "fp8"}, {"more", "fp16"}});
  EXPECT_EQ(told.model.dtype, ComputeType::kF16);
  EXPECT_EQ(told.model.text_dtype, ComputeType::kF32);
  EXPECT_EQ(told.model.vae_dtype, ComputeType::kBF16) << "an unknown name changes nothing";
  EXPECT_EQ(with_types(job, {}), job);
}

TEST(JobFile, APictureGivesItsJob) {
  const TestFolder folder;
  const job::Job job = job::parse_job(R"({"version": 1, "model": {"file": "/m.safetensors"},
    "positive": [{"text": "a \u732b"}], "output": {"image": "out.png"}})");
  write_picture(folder / "out.png", picture_texts(job, {.width = 2, .height = 2}));
  const JobFile file = load_job(folder / "out.png");
  EXPECT_TRUE(file.is_picture);
  EXPECT_EQ(file.job, job);
}

TEST(JobFile, AForeignPictureIsRefused) {
  const TestFolder folder;
  write_picture(folder / "cat.png", {{"parameters", "x"}});
  const Failure failure = failure_of(folder / "cat.png");
  EXPECT_EQ(failure.code, ErrorCode::kNotFound);
  EXPECT_EQ(failure.message, "cat.png carries no Tandem job (its text chunks: parameters)");
  write_picture(folder / "bad.png", {{"tandem", "{\"version\": 99}"}});
  EXPECT_EQ(failure_of(folder / "bad.png").code, ErrorCode::kUnsupportedVersion);
}

std::string spared(const std::string& output, const std::filesystem::path& picture,
                   const std::filesystem::path& out_folder) {
  JobFile file;
  file.job.output.image = {true, output};
  spare_picture(file, picture, out_folder);
  return file.job.output.image.file;
}

TEST(JobFile, ARepetitionSparesItsPicture) {
  const TestFolder folder, other;
  EXPECT_EQ(spared("out.png", folder / "out.png", folder.path()), "out-repeat.png");
  EXPECT_EQ(spared("out.png", folder / "out-3.png", folder.path()), "out-repeat.png");
  EXPECT_EQ(spared("out.png", folder / "out.png", other.path()), "out.png");
  EXPECT_EQ(spared("out.png", folder / "renamed.png", folder.path()), "out.png");
  EXPECT_EQ(spared("out.png", folder / "out-new.png", folder.path()), "out.png");
}

}  // namespace
}  // namespace tandem::client
