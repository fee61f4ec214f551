// A plug-in that fills every point, and has unit kinds that behave and misbehave. Its name: "test".
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <tandem/plugin.hpp>

namespace {

using namespace tandem::plugin;

[[noreturn]] void end_the_process() {
  std::fprintf(stderr, "the test plug-in ends its process\n");
  std::abort();
}

// ---- hooks ----

class Patch : public Hook {
 public:
  void patch(ModelSampling& sampling) override {
    sampling.parameterization = Parameterization::kX0;
  }
};

class Model : public Hook {
 public:
  explicit Model(const Options& options) : value_(options.number("value", 1.0)) {
    options.allow({"value"});
  }
  void load() override { loaded_ = value_; }
  double value() const { return loaded_; }

 private:
  double value_;
  double loaded_ = 0.0;
};

class Scale : public Hook {
 public:
  explicit Scale(const Options& options) : scale_(std::to_string(options.number("scale", 1.0))) {
    options.allow({"scale"});
  }
  void add_options(TransformerOptions& options) override { options["test.scale"] = scale_; }

 private:
  std::string scale_;
};

// Between inject and eject the wrapper of this plug-in adds nothing.
bool is_injected = false;

class Inject : public Hook {
 public:
  void inject(const Pass&) override { is_injected = true; }
  void eject() noexcept override { is_injected = false; }
};

// denoised * test.scale + add + the values of the additional models
class Wrap : public Hook {
 public:
  explicit Wrap(const Options& options) : add_(options.number("add", 0.0)) {
    options.allow({"add"});
  }
  Tensor wrap(const Pass& pass, const Next& next) override {
    Tensor denoised = next(pass.x, pass.sigma);
    double add = is_injected ? 0.0 : add_;
    for (Hook* model : pass.additional_models)
      add += static_cast<Model*>(model)->value();
    const auto it = pass.transformer_options.find("test.scale");
    const double scale = it == pass.transformer_options.end() ? 1.0 : std::stod(it->second);
    for (float& value : denoised.values<float>())
      value = static_cast<float>(value * scale + add);
    return denoised;
  }

 private:
  double add_;
};

class Watch : public Hook {
 public:
  explicit Watch(const Options& options) : ends_(options.flag("abort", false)) {
    options.allow({"abort"});
  }
  void after(const Pass& pass, const TensorView&) override {
    std::fprintf(stderr, "test: %zu conds at sigma %g\n", pass.conds,
                 static_cast<double>(pass.sigma));
    if (ends_) end_the_process();
  }

 private:
  bool ends_;
};

template <class H>
std::unique_ptr<Hook> make(const Options& options) {
  if constexpr (std::is_constructible_v<H, const Options&>) {
    return std::make_unique<H>(options);
  } else {
    options.allow({});
    return std::make_unique<H>();
  }
}

// ---- unit kinds ----

// A unit per tensor: "doubled" has its elements twice as large, "sum" their sum. The output has
// them under the tensor's name.
class Double : public UnitKind {
 public:
  void check(const Request& request) const override {
    request.options.allow({});
    for (const NamedView& tensor : request.tensors) {
      if (tensor.value.layout.dtype != DType::kF32)
        throw std::invalid_argument("'" + tensor.name + "' is not float32");
    }
  }

  std::vector<Work> split(const Request& request) const override {
    std::vector<Work> units;
    for (const auto& [name, view] : request.tensors) {
      units.push_back(
          {{}, {{name, Tensor(view)}}, {{"sum", {DType::kF64, {}}}, {"doubled", view.layout}}});
    }
    return units;
  }

  void run(const WorkView& work) const override {
    const auto input = work.inputs[0].value.values<float>();
    const auto sum = work.outputs[0].value.values<double>();
    const auto doubled = work.outputs[1].value.values<float>();
    for (std::size_t i = 0; i < input.size(); ++i) {
      doubled[i] = input[i] * 2.0F;
      sum[0] += static_cast<double>(input[i]);
    }
  }

  std::vector<NamedTensor> merge(const Request& request,
                                 std::span<const WorkResult> results) const override {
    std::vector<NamedTensor> output;
    for (std::size_t i = 0; i < results.size(); ++i) {
      for (const NamedView& result : results[i])
        output.push_back({request.tensors[i].name + "." + result.name, Tensor(result.value)});
    }
    return output;
  }
};

// One unit without inputs that does what `run` says.
class Single : public UnitKind {
 public:
  explicit Single(void (*work)(const WorkView&)) : work_(work) {}
  void check(const Request&) const override {}
  std::vector<Work> split(const Request&) const override {
    return {{{}, {}, {{"out", {DType::kF32, {1}}}}}};
  }
  void run(const WorkView& work) const override { work_(work); }
  std::vector<NamedTensor> merge(const Request&,
                                 std::span<const WorkResult> results) const override {
    std::vector<NamedTensor> output;
    output.push_back({"out", Tensor(results[0][0].value)});
    return output;
  }

 private:
  void (*work_)(const WorkView&);
};

class TestPlugin : public Plugin {
 public:
  std::string name() const override { return "test"; }
  std::vector<HookRow> hooks() const override {
    return {{HookPoint::kObjectPatch, make<Patch>},
            {HookPoint::kAdditionalModel, make<Model>},
            {HookPoint::kTransformerOptions, make<Scale>},
            {HookPoint::kInjection, make<Inject>},
            {HookPoint::kWrapper, make<Wrap>},
            {HookPoint::kCallback, make<Watch>}};
  }
  std::vector<UnitKindRow> unit_kinds() const override {
    return {{"double", &double_}, {"abort", &abort_}, {"fail", &fail_}, {"nan", &nan_}};
  }

 private:
  Double double_;
  Single abort_{[](const WorkView&) { end_the_process(); }};
  Single fail_{[](const WorkView&) { throw std::runtime_error("it fails as asked"); }};
  Single nan_{[](const WorkView& work) { work.outputs[0].value.values<float>()[0] = NAN; }};
};

}  // namespace

TANDEM_PLUGIN(TestPlugin)
