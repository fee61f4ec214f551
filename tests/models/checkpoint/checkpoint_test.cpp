#include "models/checkpoint/checkpoint.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"

namespace tandem::models {
namespace {

TEST(Checkpoint, TensorsAreViewsThatOutliveEverythingElse) {
  at::Tensor kept;
  {
    const TemporaryFolder folder;
    const std::string path = folder.file("x");
    write_numbers_file(path, {{"a", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"b", {1}, {7}}});
    const Checkpoint checkpoint = open_checkpoint(path);
    EXPECT_EQ(checkpoint.stamp.bytes, std::filesystem::file_size(path));
    const auto* a = static_cast<const float*>(checkpoint.tensors.at("a").const_data_ptr());
    const auto* b = static_cast<const float*>(checkpoint.tensors.at("b").const_data_ptr());
    EXPECT_EQ(b - a, 6) << "not views of one mapping";
    kept = checkpoint.tensors.at("a");
  }
  EXPECT_TRUE(at::equal(kept, at::arange(1, 7, at::kFloat).view({2, 3})));
}

TEST(Checkpoint, ScalarsAndEmptyTensorsKeepTheirShapes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  write_numbers_file(path, {{"scalar", {}, {3}}, {"empty", {0, 4}, {}}});
  const Checkpoint checkpoint = open_checkpoint(path);
  EXPECT_EQ(checkpoint.tensors.at("scalar").item<float>(), 3);
  EXPECT_EQ(checkpoint.tensors.at("scalar").dim(), 0);
  EXPECT_EQ(checkpoint.tensors.at("empty").sizes(), (std::vector<std::int64_t>{0, 4}));
}

TEST(Checkpoint, TensorsThatAreNotAlignedAreCopied) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  const std::vector<NamedLayout> layouts = {{"byte", {DType::kU8, {1}}},
                                            {"float", {DType::kF32, {2}}}};
  write_hollow_file(path, layouts);
  const std::array<float, 2> numbers = {1.25F, -8.0F};
  overwrite(path, build_safetensors_header(layouts).offsets[1], numbers.data(), 8);
  const at::Tensor tensor = open_checkpoint(path).tensors.at("float");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) % alignof(float), 0U);
  EXPECT_TRUE(at::equal(tensor, at::tensor({1.25F, -8.0F})));
}

TEST(Checkpoint, ATruncatedFileIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  write_numbers_file(path, {{"a", {3}, {1, 2, 3}}});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_THROW(open_checkpoint(path), Error);
}

}  // namespace
}  // namespace tandem::models
