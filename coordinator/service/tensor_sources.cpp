#include "coordinator/service/tensor_sources.hpp"

#include "protocol/error.hpp"
#include "protocol/job/job_uses.hpp"

namespace tandem::coordinator {
namespace {

std::shared_ptr<const MemoryFile> make_source(const TensorFile* tensors, const std::string& prefix,
                                              const std::string& path) {
  std::vector<NamedBytes> named;
  if (tensors != nullptr) {
    for (const std::string& name : tensors->names()) {
      if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
      named.push_back(
          {name.substr(prefix.size()), tensors->layout(name, path), tensors->bytes(name)});
    }
  }
  if (!named.empty()) return make_memory_file(prefix, named);
  throw Error(ErrorCode::kMissingTensor, path + ": no tensor's name begins with '" + prefix + "'.",
              {}, path);
}

}  // namespace

void add_tensor_sources(AcceptedJob& job, const TensorFile* tensors) {
  for (const job::FileUse& use : job::tensor_sources_named(job.job)) {
    if (job.side_files.contains(*use.file)) continue;
    auto source = make_source(tensors, *job::tensors_prefix(*use.file), use.path);
    job.side_files.emplace(*use.file, source->stamp);
    job.memory_files.push_back(std::move(source));
  }
}

}  // namespace tandem::coordinator
