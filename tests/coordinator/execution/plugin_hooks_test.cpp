#include "coordinator/execution/plugin_hooks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

job::Hook hook(const std::string& type, const std::string& plugin, const std::string& options) {
  job::Hook hook;
  hook.type = type;
  hook.plugin = plugin;
  hook.options = options;
  return hook;
}

Failure refusal(const job::Job& job) {
  const PluginSet plugins({TANDEM_TEST_PLUGIN});
  try {
    check_plugin_hooks(job, plugins);
  } catch (const Error& error) {
    return error.failure();
  }
  return {ErrorCode::kInternal, "nothing was thrown"};
}

TEST(PluginHooks, ACondHasThoseOfItsGroupsInOrder) {
  job::Job job;
  job.hooks["b"] = {hook("wrapper", "p", "{}"), hook("weight", "", ""), hook("callback", "q", "")};
  job.hooks["a"] = {hook("injection", "p", "")};
  job::Cond cond;
  cond.hooks = {"b", "a"};
  EXPECT_EQ(plugin_hooks_of(job, cond),
            (std::vector<PluginHook>{
                {"wrapper", "p", "{}"}, {"callback", "q", ""}, {"injection", "p", ""}}));
  EXPECT_TRUE(plugin_hooks_of(job, job::Cond()).empty());
}

TEST(PluginHooks, WhatNoPluginTakesIsRefusedByItsPath) {
  job::Job job;
  job.hooks["a"] = {hook("weight", "", ""), hook("wrapper", "test", R"({"add": 1})")};
  EXPECT_EQ(refusal(job).message, "nothing was thrown");
  job.hooks["a"].push_back(hook("wrapper", "test", R"({"subtract": 1})"));
  EXPECT_EQ(refusal(job).code, ErrorCode::kBadRequest);
  EXPECT_EQ(refusal(job).path, "hooks.a[2].options");
  EXPECT_THAT(refusal(job).message, testing::HasSubstr("'subtract'"));
  job.hooks["a"][2] = hook("wrapper", "nobody", "");
  EXPECT_EQ(refusal(job).code, ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(job).path, "hooks.a[2]");
}

}  // namespace
}  // namespace tandem::coordinator
