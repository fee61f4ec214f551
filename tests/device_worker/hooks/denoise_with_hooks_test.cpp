#include "device_worker/hooks/denoise_with_hooks.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

using plugin::HookPoint;

// Writes down who was called, in which order.
using Calls = std::vector<std::string>;

class Noted : public plugin::Hook {
 public:
  Noted(std::string name, Calls& calls) : name_(std::move(name)), calls_(calls) {}

  void patch(plugin::ModelSampling& sampling) override {
    note("patch");
    sampling.shift += 1.0;
  }
  void add_options(plugin::TransformerOptions& options) override {
    note("options");
    options[name_] = "1";
  }
  void inject(const plugin::Pass&) override { note("inject"); }
  void eject() noexcept override { note("eject"); }
  plugin::Tensor wrap(const plugin::Pass& pass, const plugin::Next& next) override {
    note("before");
    options_seen = pass.transformer_options.size();
    models_seen = pass.additional_models.size();
    plugin::Tensor denoised = next(pass.x, pass.sigma);
    note("after");
    for (float& value : denoised.values<float>())
      value = value * 10.0F + static_cast<float>(name_.back() - '0');
    return denoised;
  }
  void after(const plugin::Pass& pass, const plugin::TensorView& denoised) override {
    note("callback");
    conds_seen = pass.conds;
    first_seen = denoised.values<float>()[0];
  }

  std::size_t options_seen = 0, models_seen = 0, conds_seen = 0;
  float first_seen = 0.0F;

 private:
  void note(const std::string& what) { calls_.push_back(name_ + " " + what); }

  std::string name_;
  Calls& calls_;
};

class DenoiseWithHooks : public ::testing::Test {
 protected:
  std::shared_ptr<Noted> add(HookPoint point, const std::string& name,
                             const std::string& plugin = "p") {
    auto hook = std::make_shared<Noted>(name, calls_);
    hooks_.push_back({point, plugin, hook});
    return hook;
  }

  // Two conds: x * sigma and x * sigma + shift.
  at::Tensor run() {
    return denoise_with_hooks(hooks_, {at::ones({1, 1, 2, 2}), 3.0F, {}, 2},
                              [&](const at::Tensor& x, float sigma, const SigmaParameters& sigmas) {
                                calls_.emplace_back("model");
                                if (fails_) throw Error(ErrorCode::kOutOfMemory, "full");
                                return at::stack({x * sigma, x * sigma + sigmas.shift});
                              });
  }

  LiveHooks hooks_;
  Calls calls_;
  bool fails_ = false;
};

TEST_F(DenoiseWithHooks, EveryPointHasItsPlaceInThePass) {
  add(HookPoint::kCallback, "c1");
  add(HookPoint::kWrapper, "w1");
  add(HookPoint::kInjection, "i1");
  add(HookPoint::kInjection, "i2");
  add(HookPoint::kTransformerOptions, "t1");
  add(HookPoint::kObjectPatch, "o1");
  add(HookPoint::kWrapper, "w2");
  run();
  EXPECT_EQ(calls_,
            (Calls{"o1 patch", "t1 options", "i1 inject", "i2 inject", "w1 before", "w2 before",
                   "model", "w2 after", "w1 after", "i2 eject", "i1 eject", "c1 callback"}));
}

TEST_F(DenoiseWithHooks, TheFirstWrapperIsTheOutermost) {
  add(HookPoint::kWrapper, "w1");
  add(HookPoint::kWrapper, "w2");
  const at::Tensor denoised = run();
  EXPECT_EQ(denoised.sizes().vec(), (std::vector<std::int64_t>{2, 1, 1, 2, 2}));
  EXPECT_EQ(denoised[0].max().item<float>(), 321.0F);  // (3 * 10 + 2) * 10 + 1
  EXPECT_EQ(denoised[1].max().item<float>(), 421.0F);
}

TEST_F(DenoiseWithHooks, PatchesCountForThisPassAlone) {
  add(HookPoint::kObjectPatch, "o1");
  add(HookPoint::kObjectPatch, "o2");
  EXPECT_EQ(run()[1].max().item<float>(), 6.0F);  // shift 1 + 1 + 1
  EXPECT_EQ(run()[1].max().item<float>(), 6.0F);
}

TEST_F(DenoiseWithHooks, WrappersSeeOptionsAndTheirOwnPluginsModels) {
  const auto wrapper = add(HookPoint::kWrapper, "w1");
  add(HookPoint::kTransformerOptions, "t1", "other");
  add(HookPoint::kAdditionalModel, "m1");
  add(HookPoint::kAdditionalModel, "m2", "other");
  const auto callback = add(HookPoint::kCallback, "c1");
  run();
  EXPECT_EQ(wrapper->options_seen, 1U);
  EXPECT_EQ(wrapper->models_seen, 1U);
  EXPECT_EQ(callback->conds_seen, 2U);
  EXPECT_EQ(callback->first_seen, 31.0F);
}

TEST_F(DenoiseWithHooks, AFailedPassIsEjectedAndKeepsItsError) {
  add(HookPoint::kInjection, "i1");
  add(HookPoint::kWrapper, "w1");
  fails_ = true;
  try {
    run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
  }
  EXPECT_EQ(calls_, (Calls{"i1 inject", "w1 before", "model", "i1 eject"}));
}

class WrongShape : public plugin::Hook {
 public:
  plugin::Tensor wrap(const plugin::Pass& pass, const plugin::Next&) override {
    return plugin::Tensor(pass.x);
  }
};

TEST_F(DenoiseWithHooks, AWrapperOfAnotherShapeIsRefused) {
  hooks_.push_back({HookPoint::kWrapper, "p", std::make_shared<WrongShape>()});
  try {
    run();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadShape);
    EXPECT_NE(std::string(error.what()).find("'p'"), std::string::npos);
  }
}

}  // namespace
}  // namespace tandem::worker
