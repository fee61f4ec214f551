// How many patched weights a worker keeps: ComfyUI's hook modes.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::coordinator {

// Bytes for each model on a worker: "min-vram" is 0 (those in force alone), "max-speed" 4 GiB,
// "max-speed:MIB" so many MiB; least recently used goes first. Throws kBadRequest for another text.
std::uint64_t parse_hook_cache(std::string_view text);

}  // namespace tandem::coordinator
