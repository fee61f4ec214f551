#include "tools/client/job_tensors.hpp"

#include <cstring>
#include <string>
#include <utility>

#include <boost/interprocess/mapped_region.hpp>

#include "ipc/memory/memfd.hpp"
#include "protocol/error.hpp"
#include "protocol/job/job_uses.hpp"
#include "tools/client/whole_file.hpp"

namespace tandem::client {

JobTensors::JobTensors(ipc::Fd fd, SafetensorsHeader header)
    : fd_(std::move(fd)), header_(std::move(header)) {}

JobTensors JobTensors::load(const std::filesystem::path& path) {
  return copy(read_whole_file(path, kMaxJobTensorBytes), path.string());
}

JobTensors JobTensors::copy(std::span<const std::byte> file, std::string_view name) {
  SafetensorsHeader header = parse_safetensors_header(file, file.size(), name);
  ipc::Memfd memory = ipc::Memfd::create("tandem-job", file.size());
  {
    // Unmapped before sealing: the kernel refuses F_SEAL_WRITE while a writable mapping stands.
    const boost::interprocess::mapped_region region(memory, boost::interprocess::read_write);
    std::memcpy(region.get_address(), file.data(), file.size());
  }
  memory.seal(ipc::Sealing::kContent);
  return {std::move(memory).release(), std::move(header)};
}

void check_tensors(const job::Job& job, const JobTensors* tensors, std::string_view hint) {
  for (const job::TensorUse& use : job::tensors_named(job)) {
    if (tensors != nullptr && tensors->header().find(use.name) != nullptr) continue;
    const std::string where =
        tensors == nullptr ? "the job comes without tensors" : "the tensors given do not hold it";
    throw Error(ErrorCode::kMissingTensor,
                use.path + ": expected a tensor '" + use.name + "', but " + where,
                std::string(hint), use.path);
  }
}

}  // namespace tandem::client
