#include "tests/models/support/tiny_motion.hpp"

namespace tandem::models {
namespace {

class LayoutList {
 public:
  explicit LayoutList(std::string prefix) : prefix_(std::move(prefix)) {}

  void add_module(const std::string& name, std::int64_t channels, const MotionConfig& config) {
    const std::string block = name + ".transformer_blocks.0";
    add_pair(name + ".norm", {channels}, channels);
    add_pair(name + ".proj_in", {channels, channels}, channels);
    for (std::int64_t i = 0; i < config.attentions; ++i) {
      const std::string attention = block + ".attention_blocks." + std::to_string(i);
      add(attention + ".pos_encoder.pe", {1, config.frames, channels});
      for (const char* part : {".to_q", ".to_k", ".to_v"})
        add(attention + part + ".weight", {channels, channels});
      add_pair(attention + ".to_out.0", {channels, channels}, channels);
      add_pair(block + ".norms." + std::to_string(i), {channels}, channels);
    }
    add_pair(block + ".ff.net.0.proj", {8 * channels, channels}, 8 * channels);
    add_pair(block + ".ff.net.2", {channels, 4 * channels}, channels);
    add_pair(block + ".ff_norm", {channels}, channels);
    add_pair(name + ".proj_out", {channels, channels}, channels);
  }

  std::vector<NamedLayout> take() { return std::move(layouts_); }

 private:
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    layouts_.emplace_back(prefix_ + name, TensorLayout{DType::kF16, std::move(shape)});
  }
  void add_pair(const std::string& name, std::vector<std::int64_t> weight, std::int64_t bias) {
    add(name + ".weight", std::move(weight));
    add(name + ".bias", {bias});
  }

  std::string prefix_;
  std::vector<NamedLayout> layouts_;
};

}  // namespace

std::vector<NamedLayout> motion_layouts(const MotionConfig& config, const std::string& prefix) {
  LayoutList list(prefix);
  const std::int64_t levels = std::ssize(config.channels);
  for (std::int64_t level = 0; level < levels; ++level) {
    const std::int64_t down = config.channels[static_cast<std::size_t>(level)];
    const std::int64_t up = config.channels[static_cast<std::size_t>(levels - 1 - level)];
    for (std::int64_t i = 0; i < kMotionModulesDown; ++i)
      list.add_module(motion_module_name("down_blocks", level, i), down, config);
    for (std::int64_t i = 0; i < kMotionModulesUp; ++i)
      list.add_module(motion_module_name("up_blocks", level, i), up, config);
  }
  if (config.has_middle()) {
    list.add_module(middle_motion_module_name(), config.channels.back(), config);
  }
  return list.take();
}

}  // namespace tandem::models
