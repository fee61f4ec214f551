#include "tools/client/job_result.hpp"

#include "ipc/memory/memfd.hpp"
#include "protocol/error.hpp"

namespace tandem::client {
namespace {

// Where a result's bytes come from in messages: it has no file name.
constexpr std::string_view kName = "the result";
constexpr std::size_t kMaxResultBytes = std::size_t{1} << 40;

}  // namespace

ResultTensors::ResultTensors(const ipc::Fd& fd)
    : region_(ipc::map_peer_content(fd, kMaxResultBytes)),
      header_(parse_safetensors_header(file(), file().size(), kName)) {}

std::span<const std::byte> ResultTensors::file() const {
  return {static_cast<const std::byte*>(region_.get_address()), region_.get_size()};
}

const SafetensorsEntry& ResultTensors::entry(std::string_view name) const {
  if (const SafetensorsEntry* found = header_.find(name)) return *found;
  throw Error(ErrorCode::kMissingTensor,
              "the result has no tensor '" + std::string(name) + "', which its reply names");
}

const TensorLayout& ResultTensors::layout(std::string_view name) const {
  return entry(name).layout;
}

std::span<const std::byte> ResultTensors::bytes(std::string_view name) const {
  const SafetensorsEntry& found = entry(name);
  return file().subspan(header_.data_offset + found.begin, found.end - found.begin);
}

}  // namespace tandem::client
