#include "models/patches/attached_files.hpp"

#include <cstring>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/patches/patch_files.hpp"
#include "protocol/error.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {
namespace {

std::shared_ptr<std::vector<std::byte>> file_with(float number) {
  const NamedLayout layout{"a.alpha", {DType::kF32, {1}}};
  const SafetensorsHead head = build_safetensors_header({&layout, 1});
  auto bytes = std::make_shared<std::vector<std::byte>>(head.file_size);
  std::memcpy(bytes->data(), head.bytes.data(), head.bytes.size());
  std::memcpy(bytes->data() + head.offsets[0], &number, sizeof(number));
  return bytes;
}

TEST(AttachedFiles, AreFoundByTheirStampsUntilTheyAreDropped) {
  const auto attached = std::make_shared<AttachedFiles>();
  PatchFiles files(attached);
  const FileStamp stamp{"lora.", 0, 5, 10, 0};
  const auto bytes = file_with(2.5F);
  attached->attach(ConstantId{1}, stamp, *bytes, bytes);
  const auto open = files.open(stamp);
  EXPECT_EQ(open->path, "lora.");
  EXPECT_EQ(open->names, std::vector<std::string>{"a.alpha"});
  EXPECT_EQ(open->tensors.at("a.alpha").item<float>(), 2.5F);
  FileStamp other = stamp;
  other.inode = 6;
  EXPECT_EQ(attached->find(other), nullptr);
  attached->drop(ConstantId{1});
  EXPECT_EQ(attached->find(stamp), nullptr);
  EXPECT_EQ(open->tensors.at("a.alpha").item<float>(), 2.5F);
}

TEST(AttachedFiles, WhatIsNoSafetensorsFileIsRefused) {
  AttachedFiles attached;
  const auto bytes = std::make_shared<std::vector<std::byte>>(20);
  EXPECT_THROW(attached.attach(ConstantId{1}, {"lora."}, *bytes, bytes), Error);
}

}  // namespace
}  // namespace tandem::models
