#include "coordinator/config/service_config.hpp"

#include <gtest/gtest.h>

#include "coordinator/config/yaml_file.hpp"
#include "protocol/error.hpp"
#include "tests/coordinator/config/config_folder.hpp"

namespace tandem::coordinator {
namespace {

class ServiceConfigTest : public ::testing::Test {
 protected:
  ServiceConfig read(const std::string& text) {
    return read_config(folder_.write("config.yaml", text));
  }

  // What comes after the file's name: "3: devices: ...".
  std::string complaint(const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadRequest);
      const std::string file = folder_ / "config.yaml:";
      EXPECT_TRUE(error.failure().message.starts_with(file)) << error.what();
      return error.failure().message.substr(file.size());
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  ConfigFolder folder_;
};

TEST_F(ServiceConfigTest, ReadsEveryKey) {
  std::filesystem::create_directories(folder_ / "models/a");
  const ServiceConfig config = read(R"(# comment
devices: [gpu:0, cpu:2]
budgets:
  gpu:0: 20GiB
  cpu: 8GiB
roots: models
models:
  checkpoints: models/checkpoints/
  loras: [/loras, models/../more]
)");
  EXPECT_EQ(config.devices, "gpu:0,cpu:2");
  EXPECT_EQ(config.budget, "gpu:0=20GiB,cpu=8GiB");
  EXPECT_EQ(config.roots, std::vector{folder_ / "models"});
  EXPECT_EQ(config.folders.at("checkpoints"), std::vector{folder_ / "models/checkpoints"});
  EXPECT_EQ(config.folders.at("loras"), (std::vector<std::string>{"/loras", folder_ / "more"}));
}

TEST_F(ServiceConfigTest, NothingSaidIsNothing) {
  for (const char* text : {"", "# only a comment\n", "devices: cpu:1\n"}) {
    const ServiceConfig config = read(text);
    EXPECT_TRUE(config.roots.empty() && config.folders.empty() && config.budget.empty());
  }
  EXPECT_EQ(read("budgets: 8GiB\n").budget, "8GiB");
}

TEST_F(ServiceConfigTest, ComplaintsNameTheLineAndTheKey) {
  EXPECT_EQ(complaint("devices: cpu:2\ndevise: cpu\n"),
            "2: devise: there is no such key. Did you mean 'devices'?");
  EXPECT_TRUE(complaint("\n\ndevices: tpu:1\n").starts_with("3: devices: ")) << "an unknown kind";
  EXPECT_TRUE(complaint("devices: {a: b}\n").starts_with("1: devices: expected"));
  EXPECT_TRUE(complaint("budgets:\n  cpu: many\n").starts_with("2: budgets: "));
  EXPECT_TRUE(complaint("roots: nowhere\n").starts_with("1: roots: "));
  EXPECT_TRUE(complaint("roots: []\n").starts_with("1: roots: "));
  EXPECT_TRUE(complaint("models:\n  lora: /a\n").starts_with("2: models.lora: "));
  EXPECT_TRUE(complaint("models:\n  loras:\n    deep: /a\n").starts_with("3: models.loras: "));
  EXPECT_EQ(complaint("devices: cpu\ndevices: cpu:2\n"), "2: devices: the key comes twice.");
  EXPECT_TRUE(complaint("- a\n- b\n").starts_with("1: the file: "));
  EXPECT_TRUE(complaint("devices: [cpu\n").starts_with("2: "));
}

TEST_F(ServiceConfigTest, SizesAreBounded) {
  EXPECT_THROW(read(std::string(YamlFile::kMostBytes + 1, '#')), Error);
  std::string many = "roots:\n";
  for (std::size_t i = 0; i <= YamlFile::kMostEntries; ++i)
    many += "  - /\n";
  EXPECT_TRUE(complaint(many).ends_with("too many entries."));
  EXPECT_THROW(read(std::string(100'000, '[')), Error);
}

TEST_F(ServiceConfigTest, AFileThatIsNotThereIsMissing) {
  try {
    read_config(folder_ / "none.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMissingFile);
  }
}

TEST_F(ServiceConfigTest, ExtraModelPathsComeAfterItsOwn) {
  folder_.write("extra.yaml", "comfyui:\n  base_path: /comfy\n  loras: models/loras\n");
  const ServiceConfig config = read("extra_model_paths: extra.yaml\nmodels:\n  loras: /own\n");
  EXPECT_EQ(config.folders.at("loras"), (std::vector<std::string>{"/own", "/comfy/models/loras"}));
}

}  // namespace
}  // namespace tandem::coordinator
