// The texts of a job as conds: encoded by units, each different text once, several workers at a
// time.
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

struct EncodedPromptResult {
  at::Tensor cond;    // (1, tokens, width) float32; undefined where only tokens were wanted
  at::Tensor pooled;  // (1, width) float32; undefined where there is none
  std::vector<TokenSection> tokens;
};

// By the path of the cond: "positive[0]".
using EncodedPrompts = std::map<std::string, EncodedPromptResult>;

// Encodes the texts of all lists of the job. Throws what UnitExecutor::run throws.
EncodedPrompts encode_prompts(const AcceptedJob& job, UnitExecutor& units, bool want_cond);

// {"tokens": {"positive": [...], "negative": [...]}} of job-format.md.
boost::json::object tokens_json(const job::Job& job, const EncodedPrompts& prompts);

}  // namespace tandem::coordinator
