#include "tools/client/picture_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include <boost/json/serialize.hpp>

#include "protocol/error.hpp"
#include "protocol/job/job_json.hpp"
#include "protocol/json_text.hpp"

namespace tandem::client {
namespace {

using NameRow = std::pair<std::string_view, std::string_view>;

// The names that the web UI gives to samplers and schedules; others go by ComfyUI's.
constexpr std::array kSamplerNames = {
    NameRow{"euler", "Euler"},
    NameRow{"euler_ancestral", "Euler a"},
    NameRow{"heun", "Heun"},
    NameRow{"dpm_2", "DPM2"},
    NameRow{"dpm_2_ancestral", "DPM2 a"},
    NameRow{"lms", "LMS"},
    NameRow{"dpm_fast", "DPM fast"},
    NameRow{"dpm_adaptive", "DPM adaptive"},
    NameRow{"dpmpp_2s_ancestral", "DPM++ 2S a"},
    NameRow{"dpmpp_2m", "DPM++ 2M"},
    NameRow{"dpmpp_sde", "DPM++ SDE"},
    NameRow{"dpmpp_2m_sde", "DPM++ 2M SDE"},
    NameRow{"dpmpp_3m_sde", "DPM++ 3M SDE"},
    NameRow{"ddim", "DDIM"},
    NameRow{"uni_pc", "UniPC"},
    NameRow{"lcm", "LCM"},
};
constexpr std::array kScheduleNames = {
    NameRow{"normal", "Normal"},
    NameRow{"karras", "Karras"},
    NameRow{"exponential", "Exponential"},
    NameRow{"sgm_uniform", "SGM Uniform"},
    NameRow{"simple", "Simple"},
    NameRow{"ddim_uniform", "DDIM"},
    NameRow{"beta", "Beta"},
    NameRow{"kl_optimal", "KL Optimal"},
};

std::string display_name(std::span<const NameRow> rows, std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](auto r) { return r.first == name; });
  return std::string(row == rows.end() ? name : row->second);
}

std::string shortest(double number) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

std::optional<std::string> text_of(const std::vector<job::Cond>& conds) {
  if (conds.size() != 1) return std::nullopt;
  if (const auto* text = std::get_if<job::TextPrompt>(&conds.front().prompt)) return text->text;
  return std::nullopt;
}

class Fields {
 public:
  void add(std::string_view key, const std::string& value) {
    if (!text_.empty()) text_ += ", ";
    text_.append(key).append(": ").append(value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void add_sampler(Fields& fields, const job::Sampler& sampler) {
  fields.add("Steps", std::to_string(sampler.steps));
  fields.add("Sampler", display_name(kSamplerNames, sampler.name));
  fields.add("Schedule type", display_name(kScheduleNames, sampler.scheduler));
  fields.add("CFG scale", shortest(sampler.cfg));
}

std::string fields_text(const job::Job& job, const PictureFacts& facts) {
  Fields fields;
  if (job.sampler) add_sampler(fields, *job.sampler);
  if (job.sampler && !job.noise.tensor) fields.add("Seed", std::to_string(job.noise.seed));
  fields.add("Size", std::to_string(facts.width) + "x" + std::to_string(facts.height));
  if (!job.model.file.empty()) {
    fields.add("Model", std::filesystem::path(job.model.file).stem().string());
  }
  if (job.sampler && job.sampler->denoise != 1.0) {
    fields.add("Denoising strength", shortest(job.sampler->denoise));
  }
  if (job.model.clip_skip) fields.add("Clip skip", std::to_string(-*job.model.clip_skip));
  if (facts.batch > 1) {
    fields.add("Batch size", std::to_string(facts.batch));
    fields.add("Batch pos", std::to_string(facts.index));
  }
  fields.add("Version", "tandem " TANDEM_VERSION);
  return fields.text();
}

}  // namespace

std::string parameters_text(const job::Job& job, const PictureFacts& facts) {
  std::string text;
  if (const auto positive = text_of(job.positive)) text += *positive + "\n";
  const auto negative = text_of(job.negative);
  if (negative && !negative->empty()) text += "Negative prompt: " + *negative + "\n";
  return text + fields_text(job, facts);
}

std::vector<PngText> picture_texts(const job::Job& job, const PictureFacts& facts) {
  job::Job repeated = job;
  repeated.output = {};
  repeated.output.image = job.output.image;
  repeated.output.image.file = std::filesystem::path(job.output.image.file).filename().string();
  repeated.output.image_dtype = job.output.image_dtype;
  return {{std::string(kParametersKeyword), parameters_text(job, facts)},
          {std::string(kJobKeyword), boost::json::serialize(job::to_json(repeated))}};
}

std::string_view find_job_text(std::span<const PngText> texts, std::string_view name) {
  std::string keywords;
  for (const PngText& text : texts) {
    if (text.keyword == kJobKeyword) return text.text;
    keywords += (keywords.empty() ? "" : ", ") + shown(text.keyword);
  }
  throw Error(ErrorCode::kNotFound,
              std::string(name) + " carries no Tandem job (its text chunks: " +
                  (keywords.empty() ? "none" : keywords) + ")",
              "Only a PNG that Tandem wrote can be run again.", std::string(name));
}

}  // namespace tandem::client
