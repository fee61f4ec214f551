#include "models/prediction/prediction.hpp"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::models {
namespace {

Prediction make(Parameterization parameterization, double shift = 1.0) {
  SigmaParameters parameters;
  parameters.parameterization = parameterization;
  parameters.shift = shift;
  return Prediction(parameters);
}

at::Tensor scalar(float value) {
  return at::scalar_tensor(value, at::kFloat);
}

void expect_close(const at::Tensor& got, const at::Tensor& expected) {
  EXPECT_TRUE(at::allclose(got, expected, 1e-5, 1e-6)) << got << "\nexpected\n" << expected;
}

// Noise of a known picture: a network that names it exactly must be given back the picture.
class KnownPicture : public testing::Test {
 protected:
  at::Tensor image = at::linspace(-1, 1, 24, at::kFloat).reshape({2, 3, 2, 2});
  at::Tensor noise = at::linspace(2, -3, 24, at::kFloat).reshape({2, 3, 2, 2});
  at::Tensor sigma = at::tensor({0.5F, 3.0F});  // one per item
  at::Tensor s = sigma.reshape({2, 1, 1, 1});
  at::Tensor x = image + s * noise;
};

TEST_F(KnownPicture, EpsGivesThePictureBack) {
  expect_close(make(Parameterization::kEps).calculate_denoised(sigma, noise, x), image);
}

TEST_F(KnownPicture, VPredictionGivesThePictureBack) {
  // v = alpha * noise - sigma' * image with alpha = 1 / sqrt(1 + s^2), sigma' = s * alpha.
  const at::Tensor v = (noise - s * image) / (1 + s * s).sqrt();
  expect_close(make(Parameterization::kVPrediction).calculate_denoised(sigma, v, x), image);
}

TEST_F(KnownPicture, X0IsThePicture) {
  expect_close(make(Parameterization::kX0).calculate_denoised(sigma, image, x), image);
}

TEST_F(KnownPicture, FlowGivesThePictureBack) {
  const Prediction flow = make(Parameterization::kFlow);
  const at::Tensor t = at::tensor({0.25F, 0.75F});
  const at::Tensor mixed = (1 - t.reshape({2, 1, 1, 1})) * image + t.reshape({2, 1, 1, 1}) * noise;
  expect_close(flow.calculate_denoised(t, noise - image, mixed), image);
  expect_close(flow.calculate_input(t, mixed), mixed);
}

TEST_F(KnownPicture, LcmFollowsItsBoundaryConditions) {
  const Prediction lcm = make(Parameterization::kLcm);
  const at::Tensor largest = scalar(lcm.sigma_max());
  const at::Tensor noisy = image + largest * noise;
  // At timestep 999: t = 9990, c_skip = 0.25 / (t^2 + 0.25), c_out = t / sqrt(t^2 + 0.25).
  const double t = 9990.0;
  const double c_skip = 0.25 / (t * t + 0.25);
  const double c_out = t / std::sqrt(t * t + 0.25);
  expect_close(lcm.calculate_denoised(largest, noise, noisy),
               c_out * (noisy - noise * largest) + c_skip * noisy);
}

TEST_F(KnownPicture, InputHasUnitVarianceScale) {
  const at::Tensor input = make(Parameterization::kEps).calculate_input(sigma, x);
  expect_close(input * (1 + s * s).sqrt(), x);
}

TEST(Prediction, DiscreteTimestepIsTheNearestInLogSpace) {
  const Prediction eps = make(Parameterization::kEps);
  const at::Tensor index = at::tensor({0, 1, 500, 998, 999}, at::kLong);
  const at::Tensor sigmas = eps.sigmas().index_select(0, index);
  EXPECT_TRUE(eps.timestep(sigmas * 1.0001F).equal(index));
  EXPECT_EQ(eps.timestep(scalar(1000.0F)).item<std::int64_t>(), 999);
  EXPECT_EQ(eps.timestep(sigmas).scalar_type(), at::kLong);
  expect_close(eps.sigma(index), sigmas);
}

TEST(Prediction, SigmaInterpolatesInLogSpace) {
  const Prediction eps = make(Parameterization::kEps);
  const at::Tensor between = eps.sigma(scalar(10.5F));
  expect_close(between, (eps.sigmas()[10] * eps.sigmas()[11]).sqrt());
  expect_close(eps.sigma(scalar(-3.0F)), eps.sigmas()[0]);
  expect_close(eps.sigma(scalar(5000.0F)), eps.sigmas()[999]);
}

TEST(Prediction, LcmTimestepsAreTheTeachers) {
  const Prediction lcm = make(Parameterization::kLcm);
  EXPECT_EQ(lcm.timestep(scalar(lcm.sigma_max())).item<std::int64_t>(), 999);
  EXPECT_EQ(lcm.timestep(scalar(lcm.sigma_min())).item<std::int64_t>(), 19);
  expect_close(lcm.sigma(at::tensor({19, 999}, at::kLong)),
               at::tensor({lcm.sigma_min(), lcm.sigma_max()}));
}

TEST(Prediction, FlowTimestepIsScaledSigma) {
  const Prediction flow = make(Parameterization::kFlow, 3.0);
  expect_close(flow.timestep(scalar(0.25F)), scalar(250.0F));
  expect_close(flow.sigma(scalar(500.0F)), scalar(0.75F));
}

TEST(Prediction, PercentsEndInTheReferencesConstants) {
  const Prediction eps = make(Parameterization::kEps);
  EXPECT_EQ(eps.percent_to_sigma(0.0), 999999999.9);
  EXPECT_EQ(eps.percent_to_sigma(1.0), 0.0);
  EXPECT_NEAR(eps.percent_to_sigma(0.5),
              std::sqrt(eps.sigmas()[499].item<double>() * eps.sigmas()[500].item<double>()), 1e-5);
  const Prediction flow = make(Parameterization::kFlow, 3.0);
  EXPECT_EQ(flow.percent_to_sigma(-1.0), 1.0);
  EXPECT_DOUBLE_EQ(flow.percent_to_sigma(0.5), 0.75);
  EXPECT_EQ(flow.percent_to_sigma(2.0), 0.0);
}

TEST(Prediction, StartingNoiseIsScaledBySigmaOrByTotalVariance) {
  const Prediction eps = make(Parameterization::kEps);
  const at::Tensor noise = at::full({1, 1, 2, 2}, 2.0F);
  const at::Tensor latent = at::full({1, 1, 2, 2}, 10.0F);
  expect_close(eps.noise_scaling(3.0F, noise, latent, false), at::full({1, 1, 2, 2}, 16.0F));
  expect_close(eps.noise_scaling(3.0F, noise, latent, true),
               at::full({1, 1, 2, 2}, 10.0F + 2.0F * std::sqrt(10.0F)));
  expect_close(eps.inverse_noise_scaling(3.0F, latent), latent);
}

TEST(Prediction, FlowStartsFromAMixtureAndUndoesIt) {
  const Prediction flow = make(Parameterization::kFlow);
  const at::Tensor noise = at::full({1, 1, 2, 2}, 2.0F);
  const at::Tensor latent = at::full({1, 1, 2, 2}, 10.0F);
  expect_close(flow.noise_scaling(0.25F, noise, latent, true), at::full({1, 1, 2, 2}, 8.0F));
  expect_close(flow.inverse_noise_scaling(0.5F, latent), 2 * latent);
}

}  // namespace
}  // namespace tandem::models
