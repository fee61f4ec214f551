#include "device_worker/hooks/denoise_with_hooks.hpp"

#include <map>
#include <memory>

#include <ATen/ATen.h>

#include "models/tensor/tensor_view.hpp"
#include "plugin/loading/guarded.hpp"
#include "plugin/loading/tensors.hpp"

namespace tandem::worker {
namespace {

using plugin::HookPoint;

plugin::TensorView view_of(const at::Tensor& tensor) {
  return {to_plugin(models::layout_of(tensor)),
          static_cast<const std::byte*>(tensor.const_data_ptr())};
}

at::Tensor tensor_over(const plugin::TensorView& view) {
  return models::tensor_view(from_plugin(view.layout), view.data, nullptr);
}

plugin::ModelSampling to_plugin(const SigmaParameters& sigmas) {
  return {static_cast<plugin::Parameterization>(sigmas.parameterization),
          sigmas.linear_start,
          sigmas.linear_end,
          sigmas.timesteps,
          sigmas.zsnr,
          sigmas.shift,
          sigmas.multiplier};
}

// What plug-ins do not see stays as it is.
SigmaParameters from_plugin(const plugin::ModelSampling& sampling, const SigmaParameters& before) {
  return {static_cast<Parameterization>(sampling.parameterization),
          sampling.linear_start,
          sampling.linear_end,
          sampling.timesteps,
          sampling.zsnr,
          sampling.shift,
          sampling.multiplier,
          before.betas};
}

class HookedDenoise {
 public:
  HookedDenoise(const LiveHooks& hooks, const HookedPass& pass, const ForwardPass& forward)
      : hooks_(hooks), pass_(pass), forward_(forward), sampling_(to_plugin(pass.sigmas)) {
    for (const LiveHook& live : hooks_) {
      if (live.point == HookPoint::kAdditionalModel)
        models_[live.plugin].push_back(live.hook.get());
    }
  }

  at::Tensor run() {
    at_each(HookPoint::kObjectPatch, [&](const LiveHook& live) { live.hook->patch(sampling_); });
    at_each(HookPoint::kTransformerOptions,
            [&](const LiveHook& live) { live.hook->add_options(options_); });
    const at::Tensor x = pass_.x.contiguous();
    Injections injected;
    at_each(HookPoint::kInjection, [&](const LiveHook& live) {
      injected.hooks.push_back(live.hook.get());
      live.hook->inject(pass_for(live, view_of(x), pass_.sigma));
    });
    const plugin::Tensor denoised = step(0, view_of(x), pass_.sigma);
    injected.eject();
    at_each(HookPoint::kCallback, [&](const LiveHook& live) {
      live.hook->after(pass_for(live, view_of(x), pass_.sigma), denoised.view());
    });
    return tensor_over(denoised.view()).clone();
  }

 private:
  // Ejected in the reverse order, also where the pass throws.
  struct Injections {
    std::vector<plugin::Hook*> hooks;

    ~Injections() { eject(); }
    void eject() noexcept {
      for (; !hooks.empty(); hooks.pop_back())
        hooks.back()->eject();
    }
  };

  template <class Call>
  void at_each(HookPoint point, const Call& call) {
    for (const LiveHook& live : hooks_) {
      if (live.point == point) guarded(live.plugin, "hooks", [&] { call(live); });
    }
  }

  plugin::Pass pass_for(const LiveHook& live, const plugin::TensorView& x, float sigma) {
    return {x, sigma, pass_.conds, sampling_, options_, models_[live.plugin]};
  }

  // The wrappers from the one at `first` on, then the model.
  plugin::Tensor step(std::size_t first, const plugin::TensorView& x, float sigma) {
    while (first < hooks_.size() && hooks_[first].point != HookPoint::kWrapper)
      ++first;
    if (first == hooks_.size()) return plugin::Tensor(view_of(compute(x, sigma)));
    const LiveHook& live = hooks_[first];
    plugin::Tensor denoised = guarded(live.plugin, "hooks", [&] {
      return live.hook->wrap(pass_for(live, x, sigma), [&](const auto& inner_x, float inner_sigma) {
        return step(first + 1, inner_x, inner_sigma);
      });
    });
    check_result(denoised.layout(), live.plugin);
    return denoised;
  }

  at::Tensor compute(const plugin::TensorView& x, float sigma) {
    const at::Tensor input = tensor_over(x);
    if (input.sizes() != pass_.x.sizes() || input.scalar_type() != at::kFloat)
      throw Error(ErrorCode::kBadShape, "A plug-in's wrapper changed the shape or type of x.");
    // Plug-ins see memory of the CPU.
    return forward_(input, sigma, from_plugin(sampling_, pass_.sigmas)).to(at::kCPU).contiguous();
  }

  void check_result(const plugin::Layout& layout, const std::string& name) const {
    std::vector<std::int64_t> expected = pass_.x.sizes().vec();
    expected.insert(expected.begin(), static_cast<std::int64_t>(pass_.conds));
    if (layout.shape == expected && layout.dtype == plugin::DType::kF32) return;
    throw Error(ErrorCode::kBadShape, "plug-in '" + name +
                                          "': its wrapper gave back a tensor of another shape or "
                                          "type than the pass has.");
  }

  const LiveHooks& hooks_;
  const HookedPass& pass_;
  const ForwardPass& forward_;
  plugin::ModelSampling sampling_;
  plugin::TransformerOptions options_;
  std::map<std::string, std::vector<plugin::Hook*>> models_;  // additional ones, by plug-in
};

}  // namespace

at::Tensor denoise_with_hooks(const LiveHooks& hooks, const HookedPass& pass,
                              const ForwardPass& forward) {
  return HookedDenoise(hooks, pass, forward).run();
}

}  // namespace tandem::worker
