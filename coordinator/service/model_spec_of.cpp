#include "coordinator/service/model_spec_of.hpp"

#include "protocol/error.hpp"

namespace tandem::coordinator {

const std::string& absolute_path(const std::string& path, const std::string& key) {
  if (path.empty() || path.front() == '/') return path;
  throw Error(ErrorCode::kBadRequest, key + ": '" + path + "' is not an absolute path.",
              "The service knows no model folders; name the file from / on.", key);
}

ModelSpec model_spec_of(const job::Job& job) {
  ModelSpec spec;
  spec.file = absolute_path(job.model.file, "model.file");
  spec.vae = absolute_path(job.model.vae, "model.vae");
  for (std::size_t i = 0; i < job.model.text_encoders.size(); ++i) {
    spec.text_encoders.push_back(absolute_path(job.model.text_encoders[i],
                                               "model.text_encoders[" + std::to_string(i) + "]"));
  }
  spec.tokenizer = absolute_path(job.model.tokenizer, "model.tokenizer");
  if (job.motion) spec.motion = absolute_path(job.motion->file, "motion.file");
  spec.dtype = job.model.dtype;
  spec.text_dtype = job.model.text_dtype;
  spec.vae_dtype = job.model.vae_dtype;
  return spec;
}

ModelSpec upscale_spec_of(const job::Job& job) {
  ModelSpec spec;
  spec.upscale = absolute_path(job.model.upscale, "model.upscale");
  return spec;
}

}  // namespace tandem::coordinator
