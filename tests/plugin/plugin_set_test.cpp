#include "plugin/loading/plugin_set.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugin/loading/guarded.hpp"
#include "tests/protocol/expect_error.hpp"

namespace tandem {
namespace {

using testing::HasSubstr;

std::string library(const std::string& name) {
  return std::string(TANDEM_TEST_PLUGINS) + "/" + name + ".so";
}

using test::failure_of;

Failure refusal(const std::string& file) {
  return failure_of([&] { PluginSet({file}); });
}

TEST(PluginSet, FindsHooksAndKindsByName) {
  const PluginSet plugins({library("all_points")});
  EXPECT_EQ(plugins.hook("test", "wrapper", "").point, plugin::HookPoint::kWrapper);
  EXPECT_EQ(plugins.hook("test", "additional_model", "").point,
            plugin::HookPoint::kAdditionalModel);
  EXPECT_NO_THROW(plugins.unit_kind("test", "double", ""));
  EXPECT_EQ(plugins.filled_points(), (std::vector<std::string_view>{
                                         "object_patch", "additional_model", "transformer_options",
                                         "injection", "wrapper", "callback"}));
  const boost::json::object entry = plugins.catalog()[0].as_object();
  EXPECT_EQ(entry.at("name"), "test");
  EXPECT_EQ(entry.at("unit_kinds").as_array()[0], "double");
  EXPECT_EQ(entry.at("hook_points").as_array().size(), 6U);
}

TEST(PluginSet, WhatIsNotThereIsRefusedByName) {
  const PluginSet plugins({library("all_points")});
  const Failure plugin = failure_of([&] { plugins.hook("other", "wrapper", "hooks.a[0]"); });
  EXPECT_EQ(plugin.code, ErrorCode::kUnsupported);
  EXPECT_EQ(plugin.path, "hooks.a[0]");
  EXPECT_THAT(plugin.message, HasSubstr("'other'"));
  EXPECT_THAT(plugin.message, HasSubstr("there are: test"));
  const Failure kind = failure_of([&] { plugins.unit_kind("test", "triple", "plugin"); });
  EXPECT_EQ(kind.code, ErrorCode::kUnsupported);
  EXPECT_THAT(kind.message, HasSubstr("'triple'"));
  const Failure point = failure_of([&] { plugins.hook("test", "weight", ""); });
  EXPECT_THAT(point.message, HasSubstr("'weight'"));
  EXPECT_THAT(failure_of([] { PluginSet().hook("x", "wrapper", ""); }).message,
              HasSubstr("there are: none"));
}

TEST(PluginSet, AnotherVersionNamesBoth) {
  const Failure failure = refusal(library("other_version"));
  EXPECT_EQ(failure.code, ErrorCode::kUnsupportedVersion);
  EXPECT_THAT(failure.message, HasSubstr("version 4000 "));
  EXPECT_THAT(failure.message,
              HasSubstr("has version " + std::to_string(plugin::kInterfaceVersion)));
  EXPECT_THAT(failure.message, HasSubstr("other_version.so"));
}

TEST(PluginSet, AFileThatIsNoPluginSaysWhy) {
  EXPECT_EQ(refusal("/no/such.so").code, ErrorCode::kMissingFile);
  EXPECT_THAT(refusal(library("no_entry")).message, HasSubstr("tandem_plugin"));
  EXPECT_THAT(refusal(library("throwing")).message, HasSubstr("its model is not there"));
  const std::string text = testing::TempDir() + "/text.so";
  std::ofstream(text) << "no library";
  const Failure failure = refusal(text);
  EXPECT_EQ(failure.code, ErrorCode::kBadRequest);
  EXPECT_THAT(failure.message, HasSubstr("text.so"));
}

TEST(PluginSet, ANameIsTakenOnce) {
  const Failure failure = failure_of([] {
    PluginSet({library("all_points"), library("all_points")});
  });
  EXPECT_THAT(failure.message, HasSubstr("'test'"));
}

TEST(Guarded, WhatAPluginThrowsNamesIt) {
  const auto thrown = [](const auto& call) {
    return failure_of([&] { guarded("p", "key", call); });
  };
  const Failure request = thrown([] { throw std::invalid_argument("no"); });
  EXPECT_EQ(request.code, ErrorCode::kBadRequest);
  EXPECT_EQ(request.message, "key: plug-in 'p': no");
  EXPECT_EQ(request.path, "key");
  EXPECT_EQ(thrown([] { throw std::runtime_error("no"); }).code, ErrorCode::kInternal);
  EXPECT_EQ(thrown([] { throw 1; }).code, ErrorCode::kInternal);
  EXPECT_EQ(thrown([] { throw Error(ErrorCode::kOutOfMemory, "full"); }).message, "full");
  EXPECT_THROW(guarded("p", "", [] { throw std::bad_alloc(); }), std::bad_alloc);
  EXPECT_EQ(guarded("p", "", [] { return 3; }), 3);
}

}  // namespace
}  // namespace tandem
