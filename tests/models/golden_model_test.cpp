// Whole networks against ComfyUI's results: the golden cases that need no more than Euler steps.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "models/model.hpp"
#include "tests/models/golden_case.hpp"
#include "tests/models/support/golden_tree.hpp"

namespace tandem::models {
namespace {

namespace json = boost::json;

double number_or(const json::object& object, const char* key, double otherwise) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? otherwise : value->to_number<double>();
}

std::array<double, 6> sizes_of(const json::object& entry, const at::Tensor& x) {
  const double height = number_or(entry, "height", static_cast<double>(x.size(2) * 8));
  const double width = number_or(entry, "width", static_cast<double>(x.size(3) * 8));
  return {height,
          width,
          number_or(entry, "crop_h", 0),
          number_or(entry, "crop_w", 0),
          number_or(entry, "target_height", height),
          number_or(entry, "target_width", width)};
}

// Classifier-free guidance over Euler steps on the "normal" schedule, as plainly as it can be said.
class EulerRun {
 public:
  explicit EulerRun(GoldenCase golden)
      : golden_(std::move(golden)),
        job_(golden_.job.as_object()),
        model_(Model::open(golden_.model, {})),
        prediction_(model_->info().sigmas) {}

  // The samples; conds share a forward pass, as in ComfyUI, or have one each.
  at::Tensor sample(bool together) {
    const at::Tensor latent = start();
    const at::Tensor sigmas = normal_schedule();
    const auto seed = job_.at("noise").at("seed").to_number<std::uint64_t>();
    const at::Tensor noise =
        at::randn(latent.sizes(), at::make_generator<at::CPUGeneratorImpl>(seed));
    at::Tensor x = prediction_.noise_scaling(sigmas[0].item<float>(), noise, latent, true);
    const PreparedCond positive = prepare("positive", x);
    const PreparedCond negative = prepare("negative", x);
    const double cfg = job_.at("sampler").at("cfg").to_number<double>();
    for (std::int64_t i = 0; i + 1 < sigmas.size(0); ++i) {
      const at::Tensor both = denoise(x, sigmas[i].item<float>(), {&positive, &negative}, together);
      const at::Tensor denoised = both[1] + (both[0] - both[1]) * cfg;
      x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i]);
    }
    return x / model_->info().latent.scale;
  }

  Model& model() { return *model_; }
  const TensorMap& expected() const { return golden_.expected; }

 private:
  at::Tensor start() const {
    const auto& latent = job_.at("latent").as_object();
    if (const auto* name = latent.if_contains("tensor")) {
      return golden_.tensors.at(name->as_string().c_str()) * model_->info().latent.scale;
    }
    const auto side = [&](const char* key) { return latent.at(key).as_int64(); };
    return at::zeros({side("batch"), 4, side("height") / 8, side("width") / 8});
  }

  at::Tensor normal_schedule() const {
    const std::int64_t steps = job_.at("sampler").at("steps").as_int64();
    const auto time = [&](float sigma) {
      return prediction_.timestep(at::full({1}, sigma)).item<double>();
    };
    const at::Tensor times =
        at::linspace(time(prediction_.sigma_max()), time(prediction_.sigma_min()), steps);
    return at::cat({prediction_.sigma(times), at::zeros({1})});
  }

  PreparedCond prepare(const char* list, const at::Tensor& x) {
    const auto& entry = job_.at(list).as_array().at(0).as_object();
    CondInputs inputs;
    if (const auto* text = entry.if_contains("text")) {
      const Tokens tokens = model_->text_encoder().tokenize(text->as_string().c_str());
      const EncodedText encoded = model_->encode_text(tokens, std::nullopt);
      inputs.context = encoded.cond;
      if (encoded.pooled) inputs.pooled = *encoded.pooled;
    } else {
      inputs.context = golden_.tensors.at(entry.at("cond").as_string().c_str());
      const auto* pooled = entry.if_contains("pooled");
      if (pooled != nullptr) inputs.pooled = golden_.tensors.at(pooled->as_string().c_str());
    }
    inputs.sizes = sizes_of(entry, x);
    return model_->prepare_cond(inputs);
  }

  at::Tensor denoise(const at::Tensor& x, float sigma,
                     const std::vector<const PreparedCond*>& conds, bool together) {
    const SigmaParameters& sigmas = model_->info().sigmas;
    if (together) return model_->denoise(x, sigma, conds, sigmas);
    std::vector<at::Tensor> results;
    for (const PreparedCond* cond : conds) {
      results.push_back(model_->denoise(x, sigma, {&cond, 1}, sigmas));
    }
    return at::cat(results);
  }

  GoldenCase golden_;
  const json::object& job_;
  std::unique_ptr<Model> model_;
  Prediction prediction_;
};

struct Case {
  const char* group;
  const char* name;
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.group << "/" << test.name;
}

class GoldenModel : public ::testing::TestWithParam<Case> {};

TEST_P(GoldenModel, SamplesAsComfyUiDoes) {
  const auto [group, name] = GetParam();
  if (!find_golden(std::filesystem::path("cases") / group / name)) {
    GTEST_SKIP() << "the golden case " << group << "/" << name << " is not here";
  }
  EulerRun run(read_golden_case(group, name));
  for (const bool together : {true, false}) {
    const at::Tensor got = run.sample(together);
    EXPECT_LE(golden_difference(got, run.expected().at("samples")), 1e-4) << together;
    const auto image = run.expected().find("image");
    if (image == run.expected().end()) continue;
    EXPECT_LE(golden_difference(run.model().decode(got), image->second), 1e-4) << together;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GoldenModel,
    ::testing::Values(Case{"samplers", "euler"}, Case{"samplers", "sd2v_euler"},
                      Case{"conds", "sdxl_sizes"}, Case{"conds", "sdxl_batch"},
                      Case{"conds", "odd_size"}, Case{"conds", "batch_conds_repeat"},
                      Case{"conds", "tokens_16_24"}, Case{"animatediff", "no_motion_module"},
                      Case{"whole", "sd1"}),
    [](const auto& test) { return std::string(test.param.group) + "_" + test.param.name; });

}  // namespace
}  // namespace tandem::models
