#include <algorithm>

#include "example.hpp"

namespace example {
namespace {

using namespace tandem::plugin;

class Clamp : public Hook {
 public:
  explicit Clamp(const Options& options)
      : limit_(static_cast<float>(options.number("limit", 4.0))) {
    options.allow({"limit"});
    if (!(limit_ > 0.0F)) throw std::invalid_argument("the option 'limit' is not above 0");
  }

  Tensor wrap(const Pass& pass, const Next& next) override {
    Tensor denoised = next(pass.x, pass.sigma);
    for (float& value : denoised.values<float>())
      value = std::clamp(value, -limit_, limit_);
    return denoised;
  }

 private:
  float limit_;
};

}  // namespace

std::unique_ptr<Hook> make_clamp(const Options& options) {
  return std::make_unique<Clamp>(options);
}

}  // namespace example
