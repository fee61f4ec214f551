// The VAE cases of the golden tree that are not tiled.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/checkpoint/checkpoint.hpp"
#include "models/checkpoint/detect.hpp"
#include "models/vae/autoencoder_kl.hpp"
#include "tests/models/golden_case.hpp"

namespace tandem::models {
namespace {

AutoencoderKL load_vae(const ModelSpec& spec) {
  const VaePart part = inspect_model(spec).vae.value();
  return {Weights(open_checkpoint(part.file).tensors).under(part.prefix), part.config};
}

// What the job's "latent" names, encoded where it is an image.
at::Tensor latent_of(const GoldenCase& golden, const AutoencoderKL& vae) {
  const auto& latent = golden.job.at("latent").as_object();
  const auto tensor = [&](const char* key) {
    return golden.tensors.at(std::string(latent.at(key).as_string()));
  };
  return latent.contains("image") ? vae.encode(tensor("image")) : tensor("tensor");
}

class GoldenVae : public testing::TestWithParam<std::string> {};

TEST_P(GoldenVae, GivesComfyuisResult) {
  if (GetParam().empty()) GTEST_SKIP() << "there is no golden tree";
  const GoldenCase golden = read_golden_case("vae", GetParam());
  const AutoencoderKL vae = load_vae(golden.model);
  const at::Tensor latent = latent_of(golden, vae);
  for (const auto& [name, expected] : golden.expected) {
    const at::Tensor got = name == "image" ? vae.decode(latent) : latent;
    EXPECT_LE(golden_difference(got, expected), 1e-3) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenVae, testing::ValuesIn(golden_names("vae", {"tiled"})),
                         [](const auto& one) { return one.param.empty() ? "absent" : one.param; });

}  // namespace
}  // namespace tandem::models
