#include "coordinator/config/extra_model_paths.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/coordinator/config/config_folder.hpp"

namespace tandem::coordinator {
namespace {

using List = std::vector<std::string>;

class ExtraModelPathsTest : public ::testing::Test {
 protected:
  FoldersByKind read(const std::string& text) {
    FoldersByKind folders;
    add_extra_model_paths(folder_.write("extra.yaml", text), folders);
    return folders;
  }

  ConfigFolder folder_;
};

// The file that ComfyUI ships, its comment signs taken away.
TEST_F(ExtraModelPathsTest, ReadsComfysOwnExample) {
  const FoldersByKind folders = read(R"(
comfyui:
     base_path: path/to/comfyui/
     # You can use is_default to mark that these folders should be listed first
     #is_default: true
     checkpoints: models/checkpoints/
     text_encoders: |
          models/text_encoders/
          models/clip/  # legacy location still supported
     clip_vision: models/clip_vision/
     diffusion_models: |
                  models/diffusion_models
                  models/unet
     vae: models/vae/
a111:
     base_path: /a1111/
     checkpoints: models/Stable-diffusion
     loras: |
          models/Lora
          models/LyCORIS
)");
  EXPECT_EQ(folders.at("checkpoints"), (List{folder_ / "path/to/comfyui/models/checkpoints",
                                             "/a1111/models/Stable-diffusion"}));
  EXPECT_EQ(folders.at("diffusion_models").size(), 2U);
  EXPECT_EQ(folders.at("loras"), (List{"/a1111/models/Lora", "/a1111/models/LyCORIS"}));
  // As in ComfyUI, what stands in a block of text is no comment.
  EXPECT_EQ(folders.at("text_encoders").at(1),
            folder_ / "path/to/comfyui/models/clip/  # legacy location still supported");
}

TEST_F(ExtraModelPathsTest, DefaultsGoFirstAndOldNamesAreNew) {
  const FoldersByKind folders = read(R"(
first:
  loras: /a
  unet: /u
  clip: /c
second:
  is_default: true
  loras: |
    /b
    /a
third:
)");
  EXPECT_EQ(folders.at("loras"), (List{"/a", "/b"})) << "the last of the default ones is first";
  EXPECT_EQ(folders.at("diffusion_models"), List{"/u"});
  EXPECT_EQ(folders.at("text_encoders"), List{"/c"});
}

TEST_F(ExtraModelPathsTest, VariablesAndTheHomeFolder) {
  ::setenv("TANDEM_TEST_BASE", "/from/variable", 1);
  const std::string home = std::getenv("HOME");
  EXPECT_EQ(read("a:\n  base_path: $TANDEM_TEST_BASE/x\n  vae: v\n").at("vae"),
            List{"/from/variable/x/v"});
  EXPECT_EQ(read("a:\n  base_path: ${TANDEM_TEST_BASE}y\n  vae: v\n").at("vae"),
            List{"/from/variabley/v"});
  EXPECT_EQ(read("a:\n  base_path: /$NOT_SET_ANYWHERE\n  vae: v\n").at("vae"),
            List{"/$NOT_SET_ANYWHERE/v"});
  EXPECT_EQ(read("a:\n  base_path: ~/m\n  vae: v\n").at("vae"), List{home + "/m/v"});
  ::unsetenv("TANDEM_TEST_BASE");
}

TEST_F(ExtraModelPathsTest, ComplaintsNameTheLineAndTheKey) {
  const auto complaint = [&](const std::string& text) {
    try {
      read(text);
    } catch (const Error& error) {
      return error.failure().message.substr((folder_ / "extra.yaml:").size());
    }
    return std::string("none");
  };
  EXPECT_TRUE(complaint("a:\n  vae: [x]\n").starts_with("2: vae: "));
  EXPECT_TRUE(complaint("a:\n  is_default: perhaps\n").starts_with("2: is_default: "));
  EXPECT_TRUE(complaint("a: text\n").starts_with("1: a: "));
}

}  // namespace
}  // namespace tandem::coordinator
