#include "device_worker/shared_copies.hpp"

#include <memory>

#include <ATen/ATen.h>
#include <boost/interprocess/mapped_region.hpp>

#include "ipc/log.hpp"
#include "ipc/memory/memfd.hpp"
#include "models/tensor/tensor_view.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

namespace bip = boost::interprocess;
using models::TensorMap;

// As LibTorch aligns its own, so that kernels choose the same paths.
constexpr std::size_t kAlignment = 64;

TensorLayout converted(const at::Tensor& stored, at::ScalarType type) {
  return {models::dtype_of(type), stored.sizes().vec()};
}

std::size_t room_for(const at::Tensor& stored, at::ScalarType type) {
  const std::size_t bytes = byte_size(converted(stored, type));
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::size_t room_for(const TensorMap& stored, at::ScalarType type) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : stored)
    bytes += room_for(tensor, type);
  return bytes;
}

// The copies' places: in the order of the names, without a header, since every worker knows names
// and shapes from the model's files.
TensorMap views(const std::shared_ptr<const bip::mapped_region>& region, const TensorMap& stored,
                at::ScalarType type) {
  TensorMap tensors;
  const auto* place = static_cast<const std::byte*>(region->get_address());
  for (const auto& [name, tensor] : stored) {
    tensors.emplace_hint(tensors.end(), name,
                         models::tensor_view(converted(tensor, type), place, region));
    place += room_for(tensor, type);
  }
  return tensors;
}

std::shared_ptr<const bip::mapped_region> map_read_only(const ipc::Fd& fd, std::size_t bytes) {
  return std::make_shared<const bip::mapped_region>(ipc::map_whole(fd, bytes, bip::read_only));
}

// A worker that ends before the seal leaves nothing: the memory goes with its only descriptor.
ipc::Fd make(const TensorMap& stored, at::ScalarType type, std::size_t bytes) {
  ipc::Memfd memory = ipc::Memfd::create("tandem-weights", bytes);
  {
    const auto region = std::make_shared<const bip::mapped_region>(
        ipc::map_whole(memory.fd(), bytes, bip::read_write));
    for (const auto& [name, copy] : views(region, stored, type))
      copy.copy_(stored.at(name));
  }
  memory.seal(ipc::Sealing::kContent);
  return memory.reopen_read_only();
}

}  // namespace

TensorMap SharedCopies::convert(const TensorMap& stored, at::ScalarType type) {
  const std::size_t bytes = room_for(stored, type);
  try {
    if (next_ < given_.size()) {
      const ipc::Fd& fd = given_[next_++];
      if (ipc::check_sealed(fd, ipc::Sealing::kContent, bytes) != bytes) {
        throw Error(ErrorCode::kInternal, "The copies that were given are of another size.");
      }
      return views(map_read_only(fd, bytes), stored, type);
    }
    ipc::Fd fd = make(stored, type, bytes);
    TensorMap tensors = views(map_read_only(fd, bytes), stored, type);
    made_.push_back(std::move(fd));
    return tensors;
  } catch (const Error& error) {
    ipc::log(ipc::LogLevel::kWarn, "weights",
             std::string("converted weights are not shared: ") + error.what());
    return {};
  }
}

}  // namespace tandem::worker
