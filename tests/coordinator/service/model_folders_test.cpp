#include "coordinator/service/model_folders.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/coordinator/config/config_folder.hpp"

namespace tandem::coordinator {
namespace {

class ModelFoldersTest : public ::testing::Test {
 protected:
  ModelFoldersTest() {
    for (const char* file : {"one/a.safetensors", "two/a.safetensors", "two/sub/b.safetensors",
                             "unet/c.safetensors", "loras/a.safetensors", "secret.safetensors"})
      folder_.write(file, "");
    std::filesystem::create_symlink(folder_ / "secret.safetensors",
                                    folder_ / "one/link.safetensors");
  }

  ModelFolders folders(const std::vector<std::string>& roots = {}) const {
    return {{{"checkpoints", {folder_ / "one", folder_ / "two"}},
             {"diffusion_models", {folder_ / "unet"}},
             {"loras", {folder_ / "loras"}}},
            roots};
  }

  static std::string found(const ModelFolders& folders, const std::string& name) {
    job::Job job;
    job.model.file = name;
    folders.resolve(job);
    return job.model.file;
  }

  static Failure refused(const ModelFolders& folders, const std::string& name) {
    try {
      found(folders, name);
    } catch (const Error& error) {
      EXPECT_EQ(error.failure().path, "model.file");
      return error.failure();
    }
    ADD_FAILURE() << name;
    return {};
  }

  ConfigFolder folder_;
};

TEST_F(ModelFoldersTest, NamesAreLookedUpByKindInTheOrderOfTheFolders) {
  EXPECT_EQ(found(folders(), "a.safetensors"), folder_ / "one/a.safetensors");
  EXPECT_EQ(found(folders(), "sub/b.safetensors"), folder_ / "two/sub/b.safetensors");
  EXPECT_EQ(found(folders(), "c.safetensors"), folder_ / "unet/c.safetensors");
  EXPECT_EQ(found(folders(), "/any/where"), "/any/where");
  job::Job job;
  job.model.loras.resize(1);
  job.model.loras[0].file = "a.safetensors";
  folders().resolve(job);
  EXPECT_EQ(job.model.loras[0].file, folder_ / "loras/a.safetensors");
}

TEST_F(ModelFoldersTest, ANameThatNoFolderHas) {
  const Failure failure = refused(folders(), "none.safetensors");
  EXPECT_EQ(failure.code, ErrorCode::kMissingFile);
  EXPECT_NE(failure.hint.find(folder_ / "two"), std::string::npos);
  EXPECT_EQ(refused(ModelFolders(), "none.safetensors").code, ErrorCode::kBadRequest);
}

TEST_F(ModelFoldersTest, ANameDoesNotClimb) {
  EXPECT_EQ(refused(folders(), "../secret.safetensors").code, ErrorCode::kBadRequest);
  EXPECT_EQ(refused(folders(), "sub/../../one/a.safetensors").code, ErrorCode::kBadRequest);
  EXPECT_EQ(refused(folders(), std::string("a.safetensors\0b", 15)).code, ErrorCode::kBadRequest);
}

TEST_F(ModelFoldersTest, RootsBoundEveryPath) {
  const ModelFolders bounded = folders({folder_ / "one"});
  EXPECT_EQ(found(bounded, folder_ / "one/a.safetensors"), folder_ / "one/a.safetensors");
  for (const std::string& file :
       {folder_ / "two/a.safetensors", folder_ / "one/../two/a.safetensors",
        folder_ / "one/link.safetensors", std::string("sub/b.safetensors"),
        std::string("/etc/passwd"), folder_ / "none", folder_ / "one-more/a.safetensors"})
    EXPECT_EQ(refused(bounded, file).code, ErrorCode::kOutOfRange) << file;
}

TEST_F(ModelFoldersTest, ALinkWithinTheRootsIsFollowed) {
  EXPECT_EQ(found(folders({folder_.path()}), "link.safetensors"), folder_ / "secret.safetensors");
  std::filesystem::create_directory_symlink(folder_ / "two", folder_ / "alias");
  EXPECT_EQ(found(folders({folder_ / "alias"}), folder_ / "alias/a.safetensors"),
            folder_ / "two/a.safetensors");
}

}  // namespace
}  // namespace tandem::coordinator
