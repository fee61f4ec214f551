#include "coordinator/workers/hook_cache.hpp"

#include <charconv>
#include <string>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::string_view kMinVram = "min-vram";
constexpr std::string_view kMaxSpeed = "max-speed";
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kDefaultMiB = 4096;
constexpr std::uint64_t kMaxMiB = std::uint64_t{1} << 24;  // 16 TiB

}  // namespace

std::uint64_t parse_hook_cache(std::string_view text) {
  if (text == kMinVram) return 0;
  if (text == kMaxSpeed) return kDefaultMiB * kMiB;
  std::uint64_t mib = 0;
  if (text.starts_with(kMaxSpeed) && text.substr(kMaxSpeed.size()).starts_with(":")) {
    const std::string_view number = text.substr(kMaxSpeed.size() + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), mib);
    const bool whole = error == std::errc() && end == number.data() + number.size();
    if (whole && mib >= 1 && mib <= kMaxMiB) return mib * kMiB;
  }
  throw Error(
      ErrorCode::kBadRequest,
      "--hook-cache is min-vram, max-speed or max-speed:MIB, not '" + std::string(text) + "'.");
}

}  // namespace tandem::coordinator
