#include "coordinator/execution/prompts.hpp"

#include <ATen/ATen.h>
#include <boost/json/array.hpp>

#include "coordinator/conditioning/clip_schedule.hpp"
#include "coordinator/execution/arena_tensors.hpp"
#include "coordinator/execution/job_inputs.hpp"
#include "coordinator/execution/job_patches.hpp"

namespace tandem::coordinator {
namespace {

std::vector<NamedCond> list_conds(const std::vector<job::Cond>& conds, const std::string& key) {
  std::vector<NamedCond> named;
  for (std::size_t i = 0; i < conds.size(); ++i) {
    named.push_back({key + "[" + std::to_string(i) + "]", &conds[i]});
  }
  return named;
}

std::vector<NamedCond> all_conds(const job::Job& job) {
  std::vector<NamedCond> all = list_conds(job.positive, "positive");
  for (const auto& cond : list_conds(job.negative, "negative"))
    all.push_back(cond);
  for (const auto& cond : list_conds(job.middle, "middle"))
    all.push_back(cond);
  return all;
}

// Of a prompt with a text for each encoder; the one for G goes to every encoder but L.
std::string text_for(const job::DualTextPrompt& prompt, const std::string& encoder) {
  return encoder == "l" ? prompt.text_l : prompt.text_g;
}

std::vector<TextSection> sections_of(const job::Prompt& prompt, const ModelInfo& info) {
  std::vector<TextSection> sections;
  for (const TextEncoderInfo& encoder : info.text_encoders) {
    if (const auto* one = std::get_if<job::TextPrompt>(&prompt)) {
      sections.push_back({encoder.name, one->text});
    } else if (const auto* two = std::get_if<job::DualTextPrompt>(&prompt)) {
      sections.push_back({encoder.name, text_for(*two, encoder.name)});
    }
  }
  return sections;
}

// One unit's work, and the cond and range that it is for.
struct Encoding {
  const NamedCond* named;
  ClipRange range;
};

// ComfyUI leaves ranges out that the cond's own does not touch.
std::vector<Encoding> encodings_of(const AcceptedJob& job, const std::vector<NamedCond>& conds) {
  std::vector<Encoding> encodings;
  for (const NamedCond& named : conds) {
    const job::Cond& cond = *named.cond;
    for (ClipRange& range : clip_ranges(job.job.hooks, cond.hooks, cond.schedule_clip)) {
      if (range.end_percent < cond.start_percent || range.start_percent > cond.end_percent)
        continue;
      encodings.push_back({&named, std::move(range)});
    }
  }
  return encodings;
}

bool is_same_work(const Encoding& a, const Encoding& b) {
  return a.named->cond->prompt == b.named->cond->prompt && a.range.hooks == b.range.hooks;
}

UnitTask make_task(const AcceptedJob& job, const Encoding& encoding, UnitExecutor& units,
                   bool want_cond) {
  const NamedCond& named = *encoding.named;
  UnitTask task;
  EncodeText unit;
  unit.model = job.model;
  unit.sections = sections_of(named.cond->prompt, job.info);
  unit.clip_skip = job.job.model.clip_skip;
  unit.want_cond = want_cond;
  unit.patches = text_patches(job, encoding.range.hooks);
  if (job.embeddings) unit.embeddings = prompt_embeddings(*job.embeddings, named.cond->prompt);
  if (const auto* tokens = std::get_if<job::TokenPrompt>(&named.cond->prompt)) {
    const at::Tensor ids = load_tensor(job, tokens->tokens, named.path + ".tokens");
    const at::Tensor weights = tokens->weights.empty()
                                   ? at::ones(ids.sizes())
                                   : load_tensor(job, tokens->weights, named.path + ".weights");
    const auto put = [&](const at::Tensor& tensor) {
      SharedTensor shared = share(units.inputs(), tensor);
      if (shared.block) task.inputs.push_back(std::move(shared.block));
      return std::move(shared.handle);
    };
    unit.token_ids = put(ids);
    unit.token_weights = put(weights);
  }
  task.unit = std::move(unit);
  return task;
}

EncodedPromptResult read_prompt(const UnitOutcome& outcome) {
  const auto& result = std::get<EncodeTextResult>(outcome.result);
  EncodedPromptResult prompt;
  if (result.cond) prompt.cond = read_result(*result.cond, outcome.output.get());
  if (result.pooled) prompt.pooled = read_result(*result.pooled, outcome.output.get());
  prompt.tokens = result.tokens;
  return prompt;
}

boost::json::array chunk_json(const std::vector<WeightedToken>& chunk) {
  boost::json::array tokens;
  for (const WeightedToken& token : chunk)
    tokens.push_back({token.id, token.weight});
  return tokens;
}

boost::json::object prompt_json(const EncodedPromptResult& prompt) {
  boost::json::object entry;
  for (const TokenSection& section : prompt.tokens) {
    boost::json::array chunks;
    for (const auto& chunk : section.chunks)
      chunks.push_back(chunk_json(chunk));
    entry[section.name] = std::move(chunks);
  }
  return entry;
}

}  // namespace

EncodedPrompts encode_prompts(const AcceptedJob& job, UnitExecutor& units, bool want_cond) {
  return encode_prompts(job, all_conds(job.job), units, want_cond);
}

EncodedPrompts encode_prompts(const AcceptedJob& job, std::vector<NamedCond> conds,
                              UnitExecutor& units, bool want_cond) {
  std::erase_if(conds, [](const NamedCond& named) {
    return std::holds_alternative<job::EncodedPrompt>(named.cond->prompt);
  });
  const std::vector<Encoding> encodings = encodings_of(job, conds);
  std::vector<const Encoding*> different;
  std::vector<std::size_t> index;  // of each encoding among the different ones
  std::vector<UnitTask> tasks;
  for (const Encoding& encoding : encodings) {
    std::size_t i = 0;
    while (i < different.size() && !is_same_work(*different[i], encoding))
      ++i;
    if (i == different.size()) {
      different.push_back(&encoding);
      tasks.push_back(make_task(job, encoding, units, want_cond));
    }
    index.push_back(i);
  }
  const std::vector<UnitOutcome> outcomes = units.run(std::move(tasks));
  EncodedPrompts prompts;
  for (std::size_t i = 0; i < encodings.size(); ++i) {
    auto& results = prompts[encodings[i].named->path];
    results.push_back(read_prompt(outcomes[index[i]]));
    results.back().start_percent = encodings[i].range.start_percent;
    results.back().end_percent = encodings[i].range.end_percent;
  }
  return prompts;
}

boost::json::object tokens_json(const job::Job& job, const EncodedPrompts& prompts) {
  boost::json::object lists;
  const auto add = [&](const std::vector<job::Cond>& conds, const std::string& key) {
    boost::json::array entries;
    for (const NamedCond& named : list_conds(conds, key)) {
      if (const auto it = prompts.find(named.path); it != prompts.end()) {
        entries.push_back(prompt_json(it->second.front()));
      }
    }
    if (!entries.empty()) lists[key] = std::move(entries);
  };
  add(job.positive, "positive");
  add(job.negative, "negative");
  add(job.middle, "middle");
  return {{"tokens", std::move(lists)}};
}

}  // namespace tandem::coordinator
