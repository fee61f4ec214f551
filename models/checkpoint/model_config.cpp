#include "models/checkpoint/model_config.hpp"

#include <cmath>
#include <utility>

#include <boost/json/parse.hpp>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxListLength = 256;
constexpr std::int64_t kMaxSize = 1 << 24;

// One object of the JSON; each reader changes its target only where the key is there and not null.
class Reader {
 public:
  Reader(const json::object& object, std::string file, std::string path)
      : object_(object), file_(std::move(file)), path_(std::move(path)) {}

  void read(const char* key, std::int64_t& target) const {
    if (const json::value* value = find(key)) target = size_of(key, *value);
  }

  void read(const char* key, bool& target) const {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_bool()) refuse(key, "true or false");
    target = value->get_bool();
  }

  void read(const char* key, std::string& target) const {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_string()) refuse(key, "a text");
    target = value->get_string().c_str();
  }

  void read(const char* key, std::vector<std::int64_t>& target) const {
    const json::value* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array() || value->get_array().size() > kMaxListLength) {
      refuse(key, "a list of at most " + std::to_string(kMaxListLength) + " whole numbers");
    }
    target.clear();
    for (const json::value& item : value->get_array())
      target.push_back(size_of(key, item));
  }

  std::optional<double> positive_number(const char* key) const {
    const json::value* value = find(key);
    if (value == nullptr) return std::nullopt;
    const double number = value->is_number() ? value->to_number<double>() : 0.0;
    if (!(number > 0) || !std::isfinite(number)) refuse(key, "a positive number");
    return number;
  }

  std::optional<Reader> object(const char* key) const {
    const json::value* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) refuse(key, "an object");
    return Reader(value->get_object(), file_, path_ + "." + key);
  }

  std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (const auto& item : object_)
      keys.emplace_back(item.key());
    return keys;
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const {
    throw Error(ErrorCode::kBadCheckpoint,
                "'" + file_ + "': " + path_ + "." + key + " should be " + expected + ".", {},
                file_);
  }

 private:
  const json::value* find(const char* key) const {
    const json::value* value = object_.if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }

  std::int64_t size_of(const char* key, const json::value& value) const {
    const std::int64_t* number = value.if_int64();
    if (number == nullptr || *number < -2 || *number > kMaxSize) {
      refuse(key, "a whole number of at most " + std::to_string(kMaxSize));
    }
    return *number;
  }

  const json::object& object_;
  std::string file_;
  std::string path_;
};

UNetConfig read_unet(const Reader& reader) {
  UNetConfig unet;
  unet.num_heads = -1;
  reader.read("in_channels", unet.in_channels);
  reader.read("out_channels", unet.out_channels);
  reader.read("model_channels", unet.model_channels);
  reader.read("channel_mult", unet.channel_mult);
  reader.read("num_res_blocks", unet.num_res_blocks);
  reader.read("transformer_depth", unet.transformer_depth);
  reader.read("transformer_depth_output", unet.transformer_depth_output);
  reader.read("transformer_depth_middle", unet.transformer_depth_middle);
  reader.read("context_dim", unet.context_dim);
  reader.read("adm_in_channels", unet.adm_in_channels);
  reader.read("use_linear_in_transformer", unet.use_linear_in_transformer);
  reader.read("num_heads", unet.num_heads);
  reader.read("num_head_channels", unet.num_head_channels);
  return unet;
}

ClipConfig read_clip(const Reader& reader) {
  ClipConfig clip;
  reader.read("hidden_size", clip.hidden_size);
  reader.read("intermediate_size", clip.intermediate_size);
  reader.read("num_hidden_layers", clip.num_hidden_layers);
  reader.read("num_attention_heads", clip.num_attention_heads);
  std::string activation = "quick_gelu";
  reader.read("hidden_act", activation);
  if (activation != "quick_gelu" && activation != "gelu") {
    reader.refuse("hidden_act", "'quick_gelu' or 'gelu'");
  }
  clip.hidden_act = activation == "gelu" ? ClipActivation::kGelu : ClipActivation::kQuickGelu;
  return clip;
}

VaeConfig read_vae(const Reader& reader) {
  VaeConfig vae;
  reader.read("embed_dim", vae.embed_dim);
  const std::optional<Reader> sizes = reader.object("ddconfig");
  if (!sizes) return vae;
  sizes->read("ch", vae.ch);
  sizes->read("ch_mult", vae.ch_mult);
  sizes->read("num_res_blocks", vae.num_res_blocks);
  sizes->read("z_channels", vae.z_channels);
  sizes->read("in_channels", vae.in_channels);
  sizes->read("out_ch", vae.out_ch);
  sizes->read("double_z", vae.double_z);
  sizes->read("attn_resolutions", vae.attn_resolutions);
  sizes->read("resolution", vae.resolution);
  return vae;
}

std::optional<Parameterization> read_parameterization(const Reader& reader) {
  std::string text;
  reader.read("parameterization", text);
  if (text.empty()) return std::nullopt;
  for (const Parameterization candidate : {Parameterization::kEps, Parameterization::kVPrediction,
                                           Parameterization::kX0, Parameterization::kLcm}) {
    if (text == name(candidate)) return candidate;
  }
  reader.refuse("parameterization", "'eps', 'v_prediction', 'x0' or 'lcm'");
}

json::value parse(const std::string& text, const std::string& file) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::error_code error;
  json::value root;
  if (text.size() <= kMaxBytes) root = json::parse(text, error, {}, options);
  if (error || !root.is_object()) {
    throw Error(ErrorCode::kBadCheckpoint,
                "'" + file + "': its model_config should be a JSON object of at most " +
                    std::to_string(kMaxBytes) + " bytes.",
                {}, file);
  }
  return root;
}

}  // namespace

std::optional<ModelConfig> read_model_config(const SafetensorsHeader& header,
                                             const std::string& file) {
  const auto text = header.metadata.find("model_config");
  if (text == header.metadata.end()) return std::nullopt;
  const json::value root = parse(text->second, file);
  const Reader reader(root.get_object(), file, "model_config");
  ModelConfig config;
  reader.read("family", config.family);
  if (const auto unet = reader.object("unet")) config.unet = read_unet(*unet);
  if (const auto vae = reader.object("vae")) config.vae = read_vae(*vae);
  if (const auto clips = reader.object("clip")) {
    for (const std::string& section : clips->keys()) {
      if (const auto clip = clips->object(section.c_str())) config.clip[section] = read_clip(*clip);
    }
  }
  config.parameterization = read_parameterization(reader);
  config.latent_scale = reader.positive_number("latent_scale");
  return config;
}

}  // namespace tandem::models
