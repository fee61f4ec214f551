#include "coordinator/workers/hook_cache.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

TEST(HookCache, ModesAreBytes) {
  EXPECT_EQ(parse_hook_cache("min-vram"), 0U);
  EXPECT_EQ(parse_hook_cache("max-speed"), std::uint64_t{4} << 30);
  EXPECT_EQ(parse_hook_cache("max-speed:3"), std::uint64_t{3} << 20);
}

TEST(HookCache, AnythingElseIsRefused) {
  for (const char* text : {"", "max", "max-speed:", "max-speed:0", "max-speed:-1", "max-speed:1x",
                           "max-speed:99999999999999999999", "max-speed1", "min-vram:1"}) {
    EXPECT_THROW(parse_hook_cache(text), Error) << text;
  }
}

}  // namespace
}  // namespace tandem::coordinator
