#include <algorithm>
#include <cstdio>

#include "example.hpp"

namespace example {
namespace {

using namespace tandem::plugin;

class Report : public Hook {
 public:
  explicit Report(const Options& options) { options.allow({}); }

  // A worker's standard error is the service's log.
  void after(const Pass& pass, const TensorView& denoised) override {
    const auto values = denoised.values<float>();
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    std::fprintf(stderr, "example: sigma %g, %zu conds, prediction %g to %g\n",
                 static_cast<double>(pass.sigma), pass.conds, static_cast<double>(*least),
                 static_cast<double>(*most));
  }
};

}  // namespace

std::unique_ptr<Hook> make_report(const Options& options) {
  return std::make_unique<Report>(options);
}

}  // namespace example
