#include "plugin/loading/options.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem {
namespace {

TEST(PluginOptions, AreReadByTheirTypes) {
  const plugin::Options options =
      plugin_options(R"({"a": 1, "b": 0.5, "c": "x", "d": true, "e": [1, 2]})");
  EXPECT_EQ(options.whole("a", 0), 1);
  EXPECT_EQ(options.number("a", 0.0), 1.0);
  EXPECT_EQ(options.number("b", 0.0), 0.5);
  EXPECT_EQ(options.text("c", ""), "x");
  EXPECT_TRUE(options.flag("d", false));
  EXPECT_EQ(options.number("none", 7.0), 7.0);
  EXPECT_EQ(options.json(), R"({"a": 1, "b": 0.5, "c": "x", "d": true, "e": [1, 2]})");
}

TEST(PluginOptions, AnotherTypeIsAnErrorAndNotTheDefault) {
  const plugin::Options options = plugin_options(R"({"a": "1", "b": 0.5, "e": [1], "n": null})");
  EXPECT_THROW(options.number("a", 0.0), std::invalid_argument);
  EXPECT_THROW(options.whole("b", 0), std::invalid_argument);
  EXPECT_THROW(options.number("e", 0.0), std::invalid_argument);
  EXPECT_THROW(options.flag("n", false), std::invalid_argument);
}

TEST(PluginOptions, UnknownNamesAreRefused) {
  const plugin::Options options = plugin_options(R"({"a": 1, "e": [1]})");
  EXPECT_NO_THROW(options.allow({"a", "e", "f"}));
  EXPECT_THROW(options.allow({"a"}), std::invalid_argument);
  EXPECT_NO_THROW(plugin_options("").allow({}));
}

TEST(PluginOptions, AreAnObject) {
  EXPECT_THROW(plugin_options("[1]"), Error);
  EXPECT_EQ(plugin_options("").json(), "{}");
}

}  // namespace
}  // namespace tandem
