#include <algorithm>

#include "example.hpp"

namespace example {
namespace {

using namespace tandem::plugin;

// One picture: rows of pixels, each of so many channels.
struct Picture {
  std::span<const float> values;
  std::int64_t height, width, channels;

  // Beyond the border is the border.
  float at(std::int64_t y, std::int64_t x, std::int64_t channel) const {
    y = std::clamp<std::int64_t>(y, 0, height - 1);
    x = std::clamp<std::int64_t>(x, 0, width - 1);
    return values[static_cast<std::size_t>((y * width + x) * channels + channel)];
  }

  // The mean of the 3 x 3 pixels around one.
  float blurred(std::int64_t y, std::int64_t x, std::int64_t channel) const {
    float sum = 0.0F;
    for (std::int64_t dy = -1; dy <= 1; ++dy) {
      for (std::int64_t dx = -1; dx <= 1; ++dx)
        sum += at(y + dy, x + dx, channel);
    }
    return sum / 9.0F;
  }
};

float amount_of(const Options& options) {
  return static_cast<float>(options.number("amount", 1.0));
}

Layout single(const Layout& batch) {
  return {batch.dtype, {1, batch.shape[1], batch.shape[2], batch.shape[3]}};
}

class Sharpen : public UnitKind {
 public:
  void check(const Request& request) const override {
    request.options.allow({"amount"});
    amount_of(request.options);
    if (request.tensors.size() != 1)
      throw std::invalid_argument("sharpen takes one tensor, the pictures");
    const Layout& layout = request.tensors[0].value.layout;
    if (layout.dtype != DType::kF32 || layout.shape.size() != 4 || layout.elements() == 0)
      throw std::invalid_argument("the pictures are not (batch, height, width, channels) float32");
  }

  std::vector<Work> split(const Request& request) const override {
    const TensorView& batch = request.tensors[0].value;
    const Layout layout = single(batch.layout);
    std::vector<Work> units;
    for (std::int64_t i = 0; i < batch.layout.shape[0]; ++i) {
      const std::byte* first = batch.data + static_cast<std::size_t>(i) * layout.bytes();
      units.push_back(
          {{}, {{"picture", Tensor(TensorView{layout, first})}}, {{"picture", layout}}});
    }
    return units;
  }

  void run(const WorkView& work) const override {
    const TensorView& input = work.inputs[0].value;
    const auto& shape = input.layout.shape;
    const Picture picture{input.values<float>(), shape[1], shape[2], shape[3]};
    const auto result = work.outputs[0].value.values<float>();
    const float amount = amount_of(work.options);
    std::size_t i = 0;
    for (std::int64_t y = 0; y < picture.height; ++y) {
      for (std::int64_t x = 0; x < picture.width; ++x) {
        for (std::int64_t channel = 0; channel < picture.channels; ++channel, ++i) {
          const float value = picture.values[i];
          const float edge = value - picture.blurred(y, x, channel);
          result[i] = std::clamp(value + amount * edge, 0.0F, 1.0F);
        }
      }
    }
  }

  std::vector<NamedTensor> merge(const Request& request,
                                 std::span<const WorkResult> results) const override {
    std::vector<NamedTensor> output;
    output.push_back({"image", Tensor(request.tensors[0].value.layout)});
    auto rest = output[0].value.values<float>();
    for (const WorkResult& result : results) {
      const auto picture = result[0].value.values<float>();
      std::copy(picture.begin(), picture.end(), rest.begin());
      rest = rest.subspan(picture.size());
    }
    return output;
  }
};

}  // namespace

const UnitKind& sharpen() {
  static const Sharpen kSharpen;
  return kSharpen;
}

}  // namespace example
