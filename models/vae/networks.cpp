#include "models/vae/networks.hpp"

#include <algorithm>

#include <ATen/ATen.h>

namespace tandem::models {
namespace {

std::int64_t level_count(const VaeConfig& config) {
  return static_cast<std::int64_t>(config.ch_mult.size());
}

// Channels of a level; the one "before" the first has ch.
std::int64_t channels(const VaeConfig& config, std::int64_t level) {
  return level < 0 ? config.ch : config.ch * config.ch_mult.at(static_cast<std::size_t>(level));
}

std::int64_t lowest_channels(const VaeConfig& config) {
  return channels(config, level_count(config) - 1);
}

bool has_attention(const VaeConfig& config, std::int64_t level) {
  const auto& sides = config.attn_resolutions;
  return std::find(sides.begin(), sides.end(), config.resolution >> level) != sides.end();
}

Conv2d conv3x3(const Weights& weights, const std::string& prefix, std::int64_t in,
               std::int64_t out) {
  return {weights, prefix, {.padding = 1, .in = in, .out = out}};
}

std::vector<VaeLevel> load_down(const Weights& weights, const VaeConfig& config) {
  std::vector<VaeLevel> levels;
  for (std::int64_t i = 0; i < level_count(config); ++i) {
    levels.emplace_back(weights, "down." + std::to_string(i), channels(config, i - 1),
                        channels(config, i), config.num_res_blocks, has_attention(config, i));
  }
  return levels;
}

std::vector<VaeDownsample> load_downsamples(const Weights& weights, const VaeConfig& config) {
  std::vector<VaeDownsample> samples;
  for (std::int64_t i = 0; i + 1 < level_count(config); ++i) {
    samples.emplace_back(weights, "down." + std::to_string(i) + ".downsample", channels(config, i));
  }
  return samples;
}

// The decoder has one block more a level than the encoder.
std::vector<VaeLevel> load_up(const Weights& weights, const VaeConfig& config) {
  std::vector<VaeLevel> levels;
  for (std::int64_t i = level_count(config) - 1; i >= 0; --i) {
    const std::int64_t below = std::min(i + 1, level_count(config) - 1);
    levels.emplace_back(weights, "up." + std::to_string(i), channels(config, below),
                        channels(config, i), config.num_res_blocks + 1, has_attention(config, i));
  }
  return levels;
}

std::vector<VaeUpsample> load_upsamples(const Weights& weights, const VaeConfig& config) {
  std::vector<VaeUpsample> samples;
  for (std::int64_t i = level_count(config) - 1; i > 0; --i) {
    samples.emplace_back(weights, "up." + std::to_string(i) + ".upsample", channels(config, i));
  }
  return samples;
}

// Every level, and between two of them the change of resolution.
template <class Resample>
at::Tensor run_levels(at::Tensor h, const std::vector<VaeLevel>& levels,
                      const std::vector<Resample>& resamples) {
  for (std::size_t i = 0; i < levels.size(); ++i) {
    h = levels[i](h);
    if (i < resamples.size()) h = resamples[i](h);
  }
  return h;
}

}  // namespace

VaeLevel::VaeLevel(const Weights& weights, const std::string& prefix, std::int64_t in,
                   std::int64_t out, std::int64_t blocks, bool has_attention) {
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::string number = std::to_string(i);
    blocks_.emplace_back(weights, prefix + ".block." + number, i == 0 ? in : out, out);
    if (has_attention) attentions_.emplace_back(weights, prefix + ".attn." + number, out);
  }
}

at::Tensor VaeLevel::operator()(const at::Tensor& x) const {
  at::Tensor h = x;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    h = blocks_[i](h);
    if (!attentions_.empty()) h = attentions_[i](h);
  }
  return h;
}

VaeEncoder::VaeEncoder(const Weights& weights, const VaeConfig& config)
    : conv_in_(conv3x3(weights, "conv_in", config.in_channels, config.ch)),
      levels_(load_down(weights, config)),
      downsamples_(load_downsamples(weights, config)),
      middle_(weights, "mid", lowest_channels(config)),
      norm_out_(vae_norm(weights, "norm_out", lowest_channels(config))),
      conv_out_(conv3x3(weights, "conv_out", lowest_channels(config),
                        (config.double_z ? 2 : 1) * config.z_channels)) {}

at::Tensor VaeEncoder::operator()(const at::Tensor& x) const {
  const at::Tensor h = middle_(run_levels(conv_in_(x), levels_, downsamples_));
  return conv_out_(norm_out_.silu(h));
}

VaeDecoder::VaeDecoder(const Weights& weights, const VaeConfig& config)
    : conv_in_(conv3x3(weights, "conv_in", config.z_channels, lowest_channels(config))),
      middle_(weights, "mid", lowest_channels(config)),
      levels_(load_up(weights, config)),
      upsamples_(load_upsamples(weights, config)),
      norm_out_(vae_norm(weights, "norm_out", channels(config, 0))),
      conv_out_(conv3x3(weights, "conv_out", channels(config, 0), config.out_ch)) {}

at::Tensor VaeDecoder::operator()(const at::Tensor& z) const {
  const at::Tensor h = run_levels(middle_(conv_in_(z)), levels_, upsamples_);
  return conv_out_(norm_out_.silu(h));
}

}  // namespace tandem::models
