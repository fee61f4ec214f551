#include "models/upscale/rrdb_config.hpp"

namespace tandem::models {
namespace {

// A list of modules without names: upsampling, convolution and activation follow one another.
void name_sequential(std::int64_t blocks, std::int64_t upsamples, RrdbNames& names) {
  const auto module = [](std::int64_t index) { return "model." + std::to_string(index); };
  names.first = module(0);
  names.trunk = "model.1.sub." + std::to_string(blocks);
  for (std::int64_t i = 1; i <= upsamples; ++i)
    names.ups.push_back(module(3 * i));
  names.hr = module(3 * upsamples + 2);
  names.last = module(3 * upsamples + 4);
}

}  // namespace

RrdbNames::RrdbNames(const RrdbConfig& config) : naming(config.naming) {
  if (naming == RrdbNaming::kSequential) {
    name_sequential(config.num_blocks, config.upsamples, *this);
    return;
  }
  const bool is_body = naming == RrdbNaming::kBody;
  first = "conv_first";
  trunk = is_body ? "conv_body" : "trunk_conv";
  for (std::int64_t i = 1; i <= config.upsamples; ++i)
    ups.push_back((is_body ? "conv_up" : "upconv") + std::to_string(i));
  hr = is_body ? "conv_hr" : "HRconv";
  last = "conv_last";
}

std::string RrdbNames::dense(std::int64_t block, int rdb, int conv) const {
  const std::string b = std::to_string(block);
  const std::string r = std::to_string(rdb);
  const std::string c = std::to_string(conv);
  if (naming == RrdbNaming::kSequential) {
    return "model.1.sub." + b + ".RDB" + r + ".conv" + c + ".0";
  }
  if (naming == RrdbNaming::kTrunk) return "RRDB_trunk." + b + ".RDB" + r + ".conv" + c;
  return "body." + b + ".rdb" + r + ".conv" + c;
}

std::int64_t dense_in(const RrdbConfig& config, int conv) {
  return config.num_filters + (conv - 1) * config.growth;
}

std::int64_t dense_out(const RrdbConfig& config, int conv) {
  return conv < kConvsOfRdb ? config.growth : config.num_filters;
}

std::vector<RrdbLayer> rrdb_layers(const RrdbConfig& config) {
  const RrdbNames names(config);
  const std::int64_t filters = config.num_filters;
  std::vector<RrdbLayer> layers;
  layers.push_back({names.first, kRrdbColours * config.unshuffle * config.unshuffle, filters});
  for (std::int64_t block = 0; block < config.num_blocks; ++block) {
    for (int rdb = 1; rdb <= kRdbsOfBlock; ++rdb) {
      for (int conv = 1; conv <= kConvsOfRdb; ++conv) {
        layers.push_back(
            {names.dense(block, rdb, conv), dense_in(config, conv), dense_out(config, conv)});
      }
    }
  }
  layers.push_back({names.trunk, filters, filters});
  for (const std::string& up : names.ups)
    layers.push_back({up, filters, filters});
  layers.push_back({names.hr, filters, filters});
  layers.push_back({names.last, filters, kRrdbColours});
  return layers;
}

}  // namespace tandem::models
