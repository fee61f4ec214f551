#include "device_worker/model_store.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "device_worker/shared_copies.hpp"
#include "protocol/error.hpp"
#include "tests/device_worker/fake_model.hpp"

namespace tandem::worker {
namespace {

constexpr ModelId kModel{1};

class ModelStoreTest : public ::testing::Test {
 protected:
  ErrorCode code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::kInternal;
  }

  LoadedModel& load(const LoadModel& message) {
    SharedCopies copies;
    return store_.load(message, copies);
  }

  FakeDevice device_;
  ModelStore store_{device_};
};

TEST_F(ModelStoreTest, AModelIsOpenedOnceAndItsPartsLoadedAsAsked) {
  load(load_message(kModel, "/m", ModelPart::kUnet));
  const FakeModel* first = device_.last;
  load(load_message(kModel, "/m", ModelPart::kText));
  EXPECT_EQ(device_.last, first);
  EXPECT_EQ(first->loads, 2);
  EXPECT_EQ(&store_.at(kModel), first);
}

TEST_F(ModelStoreTest, AFileThatChangedMeanwhileIsRefused) {
  LoadModel message = load_message(kModel, "/m", ModelPart::kUnet);
  message.files[0].modified_ns = 5;
  EXPECT_EQ(code_of([&] { load(message); }), ErrorCode::kBadCheckpoint);
  EXPECT_EQ(code_of([&] { store_.at(kModel); }), ErrorCode::kNotFound);
}

TEST_F(ModelStoreTest, AModelWhosePartFailsIsNotKept) {
  EXPECT_EQ(code_of([&] { load(load_message(kModel, "/m", ModelPart::kVae)); }),
            ErrorCode::kMissingTensor);
  EXPECT_EQ(code_of([&] { store_.at(kModel); }), ErrorCode::kNotFound);
}

TEST_F(ModelStoreTest, ACondIsPreparedOncePerModel) {
  load(load_message(kModel, "/m", ModelPart::kUnet));
  FakeModel* model = device_.last;
  store_.put(ConstantId{7}, {at::ones({1, 2, 3}), {}, {}});
  EXPECT_EQ(static_cast<const FakeCond&>(store_.cond(kModel, ConstantId{7})).value, 6.0F);
  store_.cond(kModel, ConstantId{7});
  EXPECT_EQ(model->prepared, 1);
  store_.drop(ConstantId{7});
  EXPECT_EQ(code_of([&] { store_.cond(kModel, ConstantId{7}); }), ErrorCode::kNotFound);
}

TEST_F(ModelStoreTest, APartIsUnloadedByItself) {
  load(load_message(kModel, "/m", ModelPart::kUnet));
  load(load_message(kModel, "/m", ModelPart::kText));
  const FakeModel* model = device_.last;
  store_.unload(kModel, ModelPart::kText);
  store_.unload(kModel, ModelPart::kText);
  EXPECT_EQ(model->unloads, 1);
  EXPECT_EQ(&store_.at(kModel), model);
  store_.unload(kModel, ModelPart::kUnet);
  EXPECT_EQ(code_of([&] { store_.at(kModel); }), ErrorCode::kNotFound);
}

TEST_F(ModelStoreTest, TheLastPartTakesTheModelAndWhatWasPreparedForIt) {
  load(load_message(kModel, "/m", ModelPart::kUnet));
  store_.put(ConstantId{7}, {at::ones({1, 2, 3}), {}, {}});
  store_.cond(kModel, ConstantId{7});
  store_.unload(kModel, ModelPart::kUnet);
  EXPECT_EQ(code_of([&] { store_.cond(kModel, ConstantId{7}); }), ErrorCode::kNotFound);
  load(load_message(kModel, "/m", ModelPart::kUnet));
  store_.cond(kModel, ConstantId{7});
  EXPECT_EQ(device_.last->prepared, 1);
}

}  // namespace
}  // namespace tandem::worker
