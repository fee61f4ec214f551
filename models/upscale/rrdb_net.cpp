#include "models/upscale/rrdb_net.hpp"

#include <ATen/ATen.h>

#include "models/layers/resample.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr double kNegativeSlope = 0.2;
constexpr double kResidualScale = 0.2;
// What spandrel, which ComfyUI runs these models with, pads the sides to where it unshuffles.
constexpr std::int64_t kSideMultiple = 4;

Conv2d load_conv(const Weights& weights, const std::string& name, std::int64_t in,
                 std::int64_t out) {
  return {weights, name, {.padding = 1, .in = in, .out = out}};
}

at::Tensor activate(const at::Tensor& x) {
  return at::leaky_relu(x, kNegativeSlope);
}

at::Tensor twice_as_large(const at::Tensor& x) {
  return resize_nearest(x, {2 * x.size(2), 2 * x.size(3)});
}

std::vector<ResidualDenseBlock> load_block(const Weights& weights, const RrdbConfig& config,
                                           std::int64_t block) {
  std::vector<ResidualDenseBlock> rdbs;
  for (int rdb = 1; rdb <= kRdbsOfBlock; ++rdb)
    rdbs.emplace_back(weights, config, block, rdb);
  return rdbs;
}

// Right and below; mirrored where the picture is large enough for that.
at::Tensor pad_to_multiple(const at::Tensor& x, std::int64_t multiple) {
  const auto missing = [&](std::int64_t dim) {
    return (multiple - x.size(dim) % multiple) % multiple;
  };
  const std::int64_t bottom = missing(2);
  const std::int64_t right = missing(3);
  if (bottom == 0 && right == 0) return x;
  const bool is_large = bottom < x.size(2) && right < x.size(3);
  return is_large ? at::reflection_pad2d(x, {0, right, 0, bottom})
                  : at::replication_pad2d(x, {0, right, 0, bottom});
}

}  // namespace

ResidualDenseBlock::ResidualDenseBlock(const Weights& weights, const RrdbConfig& config,
                                       std::int64_t block, int rdb) {
  const RrdbNames names(config);
  for (int conv = 1; conv <= kConvsOfRdb; ++conv) {
    convs_.push_back(load_conv(weights, names.dense(block, rdb, conv), dense_in(config, conv),
                               dense_out(config, conv)));
  }
}

at::Tensor ResidualDenseBlock::operator()(const at::Tensor& x) const {
  at::Tensor seen = x;
  for (std::size_t i = 0; i + 1 < convs_.size(); ++i) {
    seen = at::cat({seen, activate(convs_[i](seen))}, 1);
  }
  return convs_.back()(seen) * kResidualScale + x;
}

RrdbNet::RrdbNet(const Weights& weights, const RrdbConfig& config)
    : config_(config),
      options_(weights.options()),
      conv_first_(load_conv(weights, RrdbNames(config).first,
                            kRrdbColours * config.unshuffle * config.unshuffle,
                            config.num_filters)),
      conv_body_(
          load_conv(weights, RrdbNames(config).trunk, config.num_filters, config.num_filters)),
      conv_hr_(load_conv(weights, RrdbNames(config).hr, config.num_filters, config.num_filters)),
      conv_last_(load_conv(weights, RrdbNames(config).last, config.num_filters, kRrdbColours)) {
  for (std::int64_t block = 0; block < config.num_blocks; ++block)
    body_.push_back(load_block(weights, config, block));
  for (const std::string& up : RrdbNames(config).ups)
    conv_ups_.push_back(load_conv(weights, up, config.num_filters, config.num_filters));
}

at::Tensor RrdbNet::forward(const at::Tensor& x) const {
  const at::Tensor features = conv_first_(x);
  at::Tensor h = features;
  for (const auto& block : body_) {
    at::Tensor inner = h;
    for (const ResidualDenseBlock& rdb : block)
      inner = rdb(inner);
    h = inner * kResidualScale + h;
  }
  h = features + conv_body_(h);
  for (const Conv2d& up : conv_ups_)
    h = activate(up(twice_as_large(h)));
  return conv_last_(activate(conv_hr_(h)));
}

at::Tensor RrdbNet::upscale_one(const at::Tensor& pixels) const {
  at::Tensor x = pixels.to(options_.device, options_.compute);
  if (config_.unshuffle > 1) {
    x = at::pixel_unshuffle(pad_to_multiple(x, kSideMultiple), config_.unshuffle);
  }
  return forward(x)
      .narrow(2, 0, pixels.size(2) * scale())
      .narrow(3, 0, pixels.size(3) * scale())
      .to(at::kFloat)
      .clamp(0.0, 1.0);
}

at::Tensor RrdbNet::upscale(const at::Tensor& image) const {
  if (image.dim() != 4 || image.size(3) != kRrdbColours || image.numel() == 0) {
    throw Error(ErrorCode::kBadShape,
                "An image to upscale must be (batch, height, width, 3), but this has the shape " +
                    c10::str(image.sizes()) + ".");
  }
  std::vector<at::Tensor> images;
  for (const at::Tensor& one : image.movedim(-1, 1).contiguous().split(1))
    images.push_back(upscale_one(one));
  return at::cat(images).movedim(1, -1).contiguous();
}

}  // namespace tandem::models
