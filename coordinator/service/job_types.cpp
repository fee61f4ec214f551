#include "coordinator/service/job_types.hpp"

#include "protocol/job/names.hpp"

namespace tandem::coordinator {

boost::json::object job_types(const job::Model& model,
                              const std::function<models::DeviceTypes(ModelPart)>& types_of) {
  const auto type = [&](ModelPart part, ComputeType asked) {
    return job::name_of(models::compute_type(part, asked, types_of(part)), job::kComputeTypes);
  };
  return {{"model", type(ModelPart::kUnet, model.dtype)},
          {"text", type(ModelPart::kText, model.text_dtype)},
          {"vae", type(ModelPart::kVae, model.vae_dtype)}};
}

}  // namespace tandem::coordinator
