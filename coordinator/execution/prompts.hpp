// The texts of a job as conds: encoded by units, each different text (under each set of hooks)
// once, several workers at a time.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <boost/json/object.hpp>

#include "coordinator/service/job_executor.hpp"
#include "coordinator/units/unit_runner.hpp"
#include "protocol/units/encode_text.hpp"

namespace tandem::coordinator {

// A text under one set of hooks.
struct EncodedPromptResult {
  double start_percent = 0.0;  // of the run, as far as its hooks' keyframes are concerned
  double end_percent = 1.0;
  at::Tensor cond;    // (1, tokens, width) float32; undefined where only tokens were wanted
  at::Tensor pooled;  // (1, width) float32; undefined where there is none
  std::vector<TokenSection> tokens;
};

// By the path of the cond, "positive[0]": one result, or one for each range of a text that is
// encoded by a schedule and whose range the cond takes part in.
using EncodedPrompts = std::map<std::string, std::vector<EncodedPromptResult>>;

struct NamedCond {
  std::string path;
  const job::Cond* cond = nullptr;
};

// Encodes the texts of these conds; those of given ones are left alone. Throws what
// UnitExecutor::run throws.
EncodedPrompts encode_prompts(const AcceptedJob& job, std::vector<NamedCond> conds,
                              UnitExecutor& units, bool want_cond);
// Of all lists of the job.
EncodedPrompts encode_prompts(const AcceptedJob& job, UnitExecutor& units, bool want_cond);

// {"tokens": {"positive": [...], "negative": [...]}} of job-format.md.
boost::json::object tokens_json(const job::Job& job, const EncodedPrompts& prompts);

}  // namespace tandem::coordinator
