#include "models/families/unet/network.hpp"

#include <array>
#include <utility>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// Channels of the timestep's embedding, in units of model_channels.
constexpr std::int64_t kEmbeddingMult = 4;

std::optional<EmbeddingMlp> make_label_embed(const Weights& weights, const UNetConfig& config) {
  if (config.adm_in_channels == 0) return std::nullopt;
  return EmbeddingMlp(
      weights, "label_emb.0",
      {.in = config.adm_in_channels, .out = kEmbeddingMult * config.model_channels});
}

std::string block_name(const char* list, std::size_t index, std::size_t layer) {
  return std::string(list) + "." + std::to_string(index) + "." + std::to_string(layer);
}

}  // namespace

// What the layers of a block are given beside the image.
struct UNet::Step {
  const at::Tensor& embedding;
  const at::Tensor& context;
  const MotionInputs& motion;
  std::int64_t norm_items;                // that a group norm sees as one
  std::array<std::int64_t, 2> upsampled;  // height and width of the next skip

  at::Tensor operator()(const Conv2d& conv, const at::Tensor& h) const { return conv(h); }
  at::Tensor operator()(const ResBlock& block, const at::Tensor& h) const {
    return block(h, embedding, norm_items);
  }
  at::Tensor operator()(const SpatialTransformer& transformer, const at::Tensor& h) const {
    return transformer(h, context, norm_items);
  }
  at::Tensor operator()(const MotionModule& module, const at::Tensor& h) const {
    return module(h, motion, norm_items);
  }
  at::Tensor operator()(const Downsample& down, const at::Tensor& h) const { return down(h); }
  at::Tensor operator()(const Upsample& up, const at::Tensor& h) const { return up(h, upsampled); }
};

// Builds the blocks in the order in which they run, following the channels.
class UNet::Builder {
 public:
  Builder(const Weights& weights, const UNetConfig& config, const std::optional<UNetMotion>& motion)
      : weights_(weights), config_(config), motion_(motion), channels_(config.model_channels) {}

  std::vector<Block> input_blocks() {
    std::vector<Block> blocks;
    const Conv2dOptions first = {.padding = 1, .in = config_.in_channels, .out = channels_};
    blocks.push_back({Conv2d(weights_, "input_blocks.0.0", first)});
    skips_.push_back(channels_);
    auto depth = config_.transformer_depth.begin();
    for (std::size_t level = 0; level < config_.channel_mult.size(); ++level) {
      for (std::int64_t i = 0; i < config_.num_res_blocks[level]; ++i) {
        blocks.push_back(res_block("input_blocks", blocks.size(), channels_, level, *depth++));
        add_motion(blocks.back(),
                   motion_module_name("down_blocks", static_cast<std::int64_t>(level), i));
        skips_.push_back(channels_);
      }
      if (level + 1 == config_.channel_mult.size()) break;
      const std::string name = block_name("input_blocks", blocks.size(), 0);
      blocks.push_back({Downsample(weights_, name, channels_)});
      skips_.push_back(channels_);
    }
    return blocks;
  }

  Block middle_block() {
    const ResBlockSizes sizes = {channels_, channels_, embedding_width()};
    Block block = {ResBlock(weights_, "middle_block.0", sizes),
                   transformer("middle_block.1", config_.transformer_depth_middle)};
    if (motion_ && motion_->config.has_middle()) add_motion(block, middle_motion_module_name());
    block.emplace_back(ResBlock(weights_, "middle_block.2", sizes));
    return block;
  }

  std::vector<Block> output_blocks() {
    std::vector<Block> blocks;
    auto depth = config_.transformer_depth_output.rbegin();
    for (std::size_t level = config_.channel_mult.size(); level-- > 0;) {
      for (std::int64_t i = 0; i <= config_.num_res_blocks[level]; ++i) {
        const std::size_t index = blocks.size();
        const std::int64_t in = channels_ + skips_.back();
        skips_.pop_back();
        blocks.push_back(res_block("output_blocks", index, in, level, *depth++));
        Block& block = blocks.back();
        const std::string next = block_name("output_blocks", index, block.size());
        const std::size_t way_up = config_.channel_mult.size() - 1 - level;
        add_motion(block, motion_module_name("up_blocks", static_cast<std::int64_t>(way_up), i));
        if (level > 0 && i == config_.num_res_blocks[level]) {
          block.emplace_back(Upsample(weights_, next, channels_));
        }
      }
    }
    return blocks;
  }

 private:
  std::int64_t embedding_width() const { return kEmbeddingMult * config_.model_channels; }

  Block res_block(const char* list, std::size_t index, std::int64_t in, std::size_t level,
                  std::int64_t depth) {
    channels_ = config_.channel_mult[level] * config_.model_channels;
    const ResBlockSizes sizes = {in, channels_, embedding_width()};
    Block block = {ResBlock(weights_, block_name(list, index, 0), sizes)};
    if (depth > 0) block.emplace_back(transformer(block_name(list, index, 1), depth));
    return block;
  }

  // Behind the block's transformer, or its residual block where it has none.
  void add_motion(Block& block, const std::string& name) const {
    if (!motion_) return;
    const MotionConfig& motion = motion_->config;
    block.emplace_back(
        MotionModule(motion_->weights, name, {channels_, motion.frames, motion.attentions}));
  }

  SpatialTransformer transformer(const std::string& name, std::int64_t depth) const {
    return {weights_,
            name,
            {.channels = channels_,
             .heads = heads_of(config_, channels_),
             .depth = depth,
             .context = config_.context_dim,
             .linear_projections = config_.use_linear_in_transformer,
             .attention_in_fp32 = config_.attention_in_fp32}};
  }

  const Weights& weights_;
  const UNetConfig& config_;
  const std::optional<UNetMotion>& motion_;
  std::int64_t channels_;            // of what the last block gave
  std::vector<std::int64_t> skips_;  // channels of the way down, last first taken
};

UNet::UNet(const Weights& weights, const UNetConfig& config,
           const std::optional<UNetMotion>& motion)
    : model_channels_(config.model_channels),
      time_embed_(weights, "time_embed",
                  {.in = model_channels_, .out = kEmbeddingMult * model_channels_}),
      label_embed_(make_label_embed(weights, config)),
      out_norm_(weights, "out.0", 32, 1e-5, config.channel_mult.front() * model_channels_),
      out_conv_(weights, "out.2",
                {.padding = 1, .in = out_norm_.channels(), .out = config.out_channels}) {
  if (motion) motion_ = motion->config.version;
  Builder builder(weights, config, motion);
  input_blocks_ = builder.input_blocks();
  middle_block_ = builder.middle_block();
  output_blocks_ = builder.output_blocks();
}

at::Tensor UNet::embed(const at::Tensor& timesteps, const std::optional<at::Tensor>& y,
                       at::ScalarType type) const {
  const at::Tensor embedding = time_embed_(timestep_embedding(timesteps, model_channels_).to(type));
  if (label_embed_.has_value() != y.has_value()) {
    throw Error(ErrorCode::kBadRequest, label_embed_
                                            ? "This model needs a vector condition, none was given."
                                            : "This model takes no vector condition.");
  }
  return label_embed_ ? embedding + (*label_embed_)(*y) : embedding;
}

std::int64_t UNet::norm_items(const at::Tensor& x, const MotionInputs& motion) const {
  if (!motion_) return 1;
  if (motion.frames <= 0 || x.size(0) % motion.frames != 0) {
    throw Error(ErrorCode::kBadRequest, std::to_string(x.size(0)) +
                                            " latents are no sequences of " +
                                            std::to_string(motion.frames) + " frames.");
  }
  return motion_ == MotionVersion::kV1 ? motion.frames : 1;
}

at::Tensor UNet::run(const Block& block, at::Tensor h, const Step& step) {
  for (const Layer& layer : block) {
    h = std::visit([&](const auto& some) { return step(some, h); }, layer);
  }
  return h;
}

at::Tensor UNet::operator()(const at::Tensor& x, const at::Tensor& timesteps,
                            const at::Tensor& context, const std::optional<at::Tensor>& y,
                            const MotionInputs& motion) const {
  const at::Tensor embedding = embed(timesteps, y, x.scalar_type());
  Step step = {embedding, context, motion, norm_items(x, motion), {}};
  std::vector<at::Tensor> skips;
  at::Tensor h = x;
  for (const Block& block : input_blocks_) {
    h = run(block, std::move(h), step);
    skips.push_back(h);
  }
  h = run(middle_block_, std::move(h), step);
  for (const Block& block : output_blocks_) {
    h = at::cat({h, skips.back()}, 1);
    skips.pop_back();
    if (!skips.empty()) step.upsampled = {skips.back().size(2), skips.back().size(3)};
    h = run(block, std::move(h), step);
  }
  return out_conv_(out_norm_.silu(h, step.norm_items));
}

}  // namespace tandem::models
