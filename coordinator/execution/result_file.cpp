#include "coordinator/execution/result_file.hpp"

#include <cstring>

#include <ATen/ATen.h>
#include <boost/interprocess/mapped_region.hpp>

#include "ipc/memory/memfd.hpp"
#include "models/tensor/tensor_view.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::coordinator {

ResultFile make_result_file(const std::vector<NamedTensor>& tensors) {
  std::vector<NamedLayout> layouts;
  for (const auto& [name, tensor] : tensors)
    layouts.emplace_back(name, models::layout_of(tensor));
  const SafetensorsHead head = build_safetensors_header(layouts);
  ipc::Memfd memory = ipc::Memfd::create("tandem-result", head.file_size);
  {
    const boost::interprocess::mapped_region region(memory, boost::interprocess::read_write);
    auto* bytes = static_cast<std::byte*>(region.get_address());
    std::memcpy(bytes, head.bytes.data(), head.bytes.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const at::Tensor tensor = tensors[i].second.contiguous();
      std::memcpy(bytes + head.offsets[i], tensor.const_data_ptr(), tensor.nbytes());
    }
  }
  memory.seal(ipc::Sealing::kContent);
  return {memory.reopen_read_only(), head.file_size};
}

}  // namespace tandem::coordinator
