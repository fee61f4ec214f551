#include "device_worker/hooks/hook_store.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

constexpr ConstantId kA{1}, kB{2};

class HookStoreTest : public ::testing::Test {
 protected:
  PluginSet plugins_{{TANDEM_TEST_PLUGIN}};
  HookStore store_{plugins_};
};

TEST_F(HookStoreTest, HooksAreMadeInOrder) {
  store_.put(kA, {{"wrapper", "test", R"({"add": 1})"}, {"callback", "test", ""}});
  const LiveHooks& hooks = store_.of({kA});
  ASSERT_EQ(hooks.size(), 2U);
  EXPECT_EQ(hooks[0].point, plugin::HookPoint::kWrapper);
  EXPECT_EQ(hooks[1].point, plugin::HookPoint::kCallback);
  EXPECT_EQ(hooks[1].plugin, "test");
  EXPECT_TRUE(store_.of({kB}).empty());
  EXPECT_TRUE(store_.of({}).empty());
}

TEST_F(HookStoreTest, EqualHooksOfTwoCondsAreOneUntilTheLastIsDropped) {
  store_.put(kA, {{"wrapper", "test", "{}"}});
  store_.put(kB, {{"callback", "test", "{}"}, {"wrapper", "test", "{}"}});
  const std::weak_ptr<plugin::Hook> hook = store_.of({kA})[0].hook;
  EXPECT_EQ(store_.of({kB})[1].hook, hook.lock());
  store_.drop(kA);
  EXPECT_FALSE(hook.expired());
  store_.drop(kB);
  EXPECT_TRUE(hook.expired());
}

TEST_F(HookStoreTest, WhatCannotBeMadeIsTriedAndRefusedEveryTime) {
  store_.put(kA, {{"wrapper", "test", R"({"nothing": 1})"}});
  store_.put(kB, {{"wrapper", "other", ""}});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THROW(store_.of({kA}), Error);
    EXPECT_THROW(store_.of({kB}), Error);
  }
}

}  // namespace
}  // namespace tandem::worker
