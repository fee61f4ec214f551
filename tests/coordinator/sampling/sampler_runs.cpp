#include "tests/coordinator/sampling/sampler_runs.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <ATen/ATen.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_to.hpp>

#include "tests/coordinator/sampling/golden_cases.hpp"

namespace tandem::coordinator {
namespace {

namespace json = boost::json;

// A denoiser in closed form, no solution of which is linear in x.
class ClosedForm : public Denoiser {
 public:
  GuidedPrediction predict(const at::Tensor& x, float sigma) override {
    seen.push_back(sigma);
    const float variance = 1 + sigma * sigma;
    return {0.7 * x / variance + 0.1 * x.sin() + 0.05, 0.4 * x / variance - 0.1 * x.cos() + 0.02};
  }

  std::vector<float> seen;
};

job::OptionValue to_option(const json::value& value) {
  if (const bool* flag = value.if_bool()) return *flag;
  if (const std::int64_t* whole = value.if_int64()) return *whole;
  if (const json::string* text = value.if_string()) return std::string(*text);
  return value.as_double();
}

Sigmas sigmas_named(const json::value& name) {
  if (name == "to_zero") return kToZero;
  return name == "flow" ? kFlow : kLeftOver;
}

SamplerNumbers to_numbers(const json::object& row) {
  SamplerNumbers numbers = {json::value_to<std::string>(row.at("label")),
                            json::value_to<std::string>(row.at("sampler")),
                            sigmas_named(row.at("sigmas")),
                            {},
                            {}};
  if (const json::value* options = row.if_contains("options")) {
    for (const auto& [name, value] : options->as_object())
      numbers.options[name] = to_option(value);
  }
  const auto expected = json::value_to<std::vector<float>>(row.at("expected"));
  numbers.expected = at::tensor(expected).reshape(kSampledShape);
  return numbers;
}

}  // namespace

SamplerRun run_sampler(const std::string& name, const Sigmas& sigmas, const GivenOptions& given) {
  SigmaParameters parameters;
  if (sigmas == kFlow) parameters.parameterization = Parameterization::kFlow;
  const models::Prediction prediction(parameters);
  const SamplerRow& row = find_sampler(name);
  const SamplerOptions options(row.name, row.options, given);
  const Sigmas visited = final_sigmas(row, sigmas);
  NoiseGenerator own(42);
  NoiseGenerator global(5);
  SamplerRun done;
  const OnStep on_step = [&](const StepReport& report) { done.reports.push_back(report); };
  SamplerContext context = {prediction, options, visited, own, global, 42, on_step};
  ClosedForm denoise;
  done.start = NoiseGenerator(11).draw(kSampledShape) * sigmas.front();
  done.result = row.sample(denoise, done.start, visited, context);
  done.evaluated = denoise.seen;
  return done;
}

std::vector<SamplerNumbers> read_sampler_numbers() {
  const auto path = source_root() / "tests/coordinator/sampling/sampler_numbers.json";
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const json::value document = json::parse(text);
  std::vector<SamplerNumbers> rows;
  for (const json::value& row : document.as_array())
    rows.push_back(to_numbers(row.as_object()));
  return rows;
}

}  // namespace tandem::coordinator
