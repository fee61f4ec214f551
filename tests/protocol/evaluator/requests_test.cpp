#include "protocol/evaluator/requests.hpp"

#include "protocol/evaluator/limits.hpp"
#include "protocol/host_message.hpp"
#include "tests/protocol/expect_error.hpp"

namespace tandem {
namespace {

using test::failure_of;

Request parse(const std::string& rest) {
  return parse_request(open_request(R"({"id": 1, "type": )" + rest + "}"));
}

Failure refusal(const std::string& rest) {
  return failure_of([&] { parse(rest); });
}

std::string prepare(const std::string& rest) {
  return R"("prepare", "model": {"file": "/m"}, "latent": {"shape": [2, 4, 8, 16]})" + rest;
}

std::string cond(const std::string& cond) {
  return prepare(R"(, "conds": {"c": {)" + cond + "}}");
}

TEST(EvaluatorRequests, PrepareIsRead) {
  const Request request = parse(prepare(R"(,
      "hooks": {"h": [{"type": "weight", "file": {"tensors": "lora."}}]},
      "sampling": {"zsnr": true}, "context": {"length": 4}, "sigmas": [4.5, 1, 0],
      "workers": {"batching": "exact"},
      "conds": {
        "text": {"text": "a cat", "hooks": "h", "start_percent": 0.5, "default": true},
        "given": {"cond": "a", "pooled": "b", "sigma_start": 5.5, "sigma_end": 0,
                  "area": {"height": 4, "width": 8}, "mask": "m", "mask_strength": 0.5},
        "inputs": {"model_conds": {"c_crossattn": "t0", "y": "t1", "c_concat": "t2"},
                   "strength": 0.25}},
      "patches": [{"key": "diffusion_model.a.weight", "kind": "lora", "strength": 0.5,
                   "alpha": 8.0, "tensors": {"up": "u", "down": "d"}}],
      "tensors": 0, "slots": {"input": 1, "output": 2, "lists": 3})"));
  const auto& read = std::get<PrepareRequest>(request);
  EXPECT_EQ(read.job.model.file, "/m");
  EXPECT_TRUE(read.job.sampling.zsnr);
  EXPECT_EQ(read.job.context->length, 4);
  EXPECT_EQ(read.sigmas, (std::vector<double>{4.5, 1.0, 0.0}));
  EXPECT_EQ(read.job.workers.batching, job::Batching::kExact);
  EXPECT_EQ(read.shape, (std::vector<std::int64_t>{2, 4, 8, 16}));
  EXPECT_EQ(read.conds.at("text").cond.prompt, job::Prompt(job::TextPrompt{"a cat"}));
  EXPECT_TRUE(read.conds.at("text").cond.is_default);
  EXPECT_EQ(read.conds.at("given").sigma_start, 5.5);
  EXPECT_EQ(read.conds.at("given").sigma_end, 0.0);
  EXPECT_EQ(read.conds.at("given").cond.area, (job::Area{4, 8, 0, 0}));
  EXPECT_EQ(read.conds.at("inputs").model_conds, (evaluator::ModelConds{"t0", "t1", "t2"}));
  EXPECT_EQ(read.conds.at("inputs").cond.strength, 0.25);
  EXPECT_EQ(read.patches.front(), (evaluator::WeightPatch{"diffusion_model.a.weight",
                                                          evaluator::PatchKind::kLora,
                                                          0.5,
                                                          8.0,
                                                          {{"up", "u"}, {"down", "d"}}}));
  EXPECT_EQ(read.slots, (evaluator::Slots{1, 2, 3}));
  EXPECT_EQ(parse_request(open_request(to_json(1, request))), request);
}

TEST(EvaluatorRequests, WhatAClientSendsIsWhatTheServiceReads) {
  evaluator::Cond given;
  given.cond.prompt = job::EncodedPrompt{"a", "b"};
  given.sigma_end = 0.5;
  evaluator::Cond inputs;
  inputs.model_conds = evaluator::ModelConds{"t", {}, {}};
  PrepareRequest smallest;
  smallest.shape = {1, 4, 8, 8};
  const std::vector<Request> requests = {
      smallest,
      AddCondsRequest{"e", {{"a", given}, {"b", inputs}}, 3},
      DropCondsRequest{"e", {"a", "b"}},
      EvaluateRequest{"e", {1.5}, {{"a", "b"}, {}}, {{"h", 0.5}}, {}, true},
      EvaluateRequest{"e", {1.5, 2.5}, {{}}, {}, 0, false},
      ReleaseRequest{"e"},
      CancelRequest{"", "e", 7},
  };
  for (const Request& request : requests) {
    const std::string text = to_json(9, request);
    EXPECT_EQ(parse_request(open_request(text)), request) << text;
  }
}

TEST(EvaluatorRequests, WhatIsMissingOrTooMuchIsNamed) {
  EXPECT_EQ(refusal(R"("prepare", "latent": {"shape": [1, 4, 8, 8]})").path, "model");
  EXPECT_EQ(refusal(R"("prepare", "model": {})").path, "latent");
  EXPECT_EQ(refusal(R"("prepare", "model": {}, "latent": {"shape": [1, 4, 8]})").path,
            "latent.shape");
  EXPECT_EQ(refusal(R"("prepare", "model": {}, "latent": {"shape": [1, 4, 0, 8]})").path,
            "latent.shape[2]");
  EXPECT_EQ(refusal(prepare(R"(, "sampler": {})")).code, ErrorCode::kUnknownKey);
  EXPECT_EQ(refusal(prepare(R"(, "sigmas": [1.0])")).path, "sigmas");
  EXPECT_EQ(refusal(prepare(R"(, "context": {}, "sigmas": [])")).path, "sigmas");
  EXPECT_EQ(refusal(prepare(R"(, "context": {}, "sigmas": 1.0)")).path, "sigmas");
  EXPECT_EQ(refusal(prepare(R"(, "context": {}, "sigmas": [1.0, -1.0])")).path, "sigmas[1]");
  EXPECT_EQ(refusal(prepare(R"(, "slots": {"input": 1})")).path, "slots.output");
  EXPECT_EQ(refusal(prepare(R"(, "slots": {"input": 1, "output": 8})")).path, "slots.output");
  EXPECT_EQ(refusal(prepare(R"(, "slots": {"input": 1, "output": 2, "lists": 65})")).path,
            "slots.lists");
  EXPECT_EQ(refusal(R"("add_conds", "evaluator": "e")").path, "conds");
  EXPECT_EQ(refusal(R"("drop_conds", "evaluator": "e", "conds": [1])").path, "conds[0]");
  EXPECT_EQ(refusal(R"("release")").path, "evaluator");
  EXPECT_EQ(refusal(R"("cancel", "evaluator": "e")").path, "request");
  EXPECT_EQ(refusal(R"("cancel", "evaluator": "e", "request": 1, "job": "j")").path, "evaluator");
}

TEST(EvaluatorRequests, CondsAreChecked) {
  EXPECT_EQ(refusal(cond("")).path, "conds.c");
  EXPECT_EQ(refusal(cond(R"("text": "a", "hooks": ["h"])")).path, "conds.c.hooks");
  EXPECT_EQ(refusal(cond(R"("text": "a", "model_conds": {"c_crossattn": "t"})")).path,
            "conds.c.text");
  EXPECT_EQ(refusal(cond(R"("width": 8, "model_conds": {"c_crossattn": "t"})")).path,
            "conds.c.width");
  EXPECT_EQ(refusal(cond(R"("model_conds": {"y": "t"})")).path, "conds.c.model_conds.c_crossattn");
  EXPECT_EQ(refusal(cond(R"("text": "a", "sigma_start": 1, "start_percent": 0)")).path,
            "conds.c.sigma_start");
  EXPECT_EQ(refusal(cond(R"("text": "a", "sigma_end": 1, "end_percent": 1)")).path,
            "conds.c.sigma_end");
  EXPECT_EQ(refusal(cond(R"("text": "a", "area_percent": {}, "area": {})")).code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(cond(R"("text": "a", "set_area_to_bounds": true)")).code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(refusal(prepare(R"(, "conds": {"": {"text": "a"}})")).code, ErrorCode::kOutOfRange);
}

TEST(EvaluatorRequests, PatchesAreChecked) {
  const auto patch = [](const std::string& rest) {
    return refusal(prepare(R"(, "patches": [{"key": "k", )" + rest + "}]"));
  };
  EXPECT_EQ(patch(R"("kind": "lora")").path, "patches[0].tensors");
  EXPECT_EQ(patch(R"("kind": "glora", "tensors": {})").path, "patches[0].kind");
  const Failure part = patch(R"("kind": "lora", "tensors": {"upp": "t"})");
  EXPECT_EQ(part.code, ErrorCode::kUnknownKey);
  EXPECT_EQ(part.path, "patches[0].tensors.upp");
  EXPECT_EQ(part.hint, "Did you mean 'up'?");
}

TEST(EvaluatorRequests, EvaluateIsChecked) {
  const auto evaluate = [](const std::string& rest) {
    return refusal(R"("evaluate", "evaluator": "e", )" + rest);
  };
  EXPECT_EQ(evaluate(R"("lists": [[]], "slot": true)").path, "sigma");
  EXPECT_EQ(evaluate(R"("sigma": -1, "lists": [[]], "slot": true)").path, "sigma");
  EXPECT_EQ(evaluate(R"("sigma": [1, "a"], "lists": [[]], "slot": true)").path, "sigma[1]");
  EXPECT_EQ(evaluate(R"("sigma": 1, "lists": [], "slot": true)").path, "lists");
  EXPECT_EQ(evaluate(R"("sigma": 1, "lists": [["a", 1]], "slot": true)").path, "lists[0][1]");
  EXPECT_EQ(evaluate(R"("sigma": 1, "lists": [[]])").path, "slot");
  EXPECT_EQ(evaluate(R"("sigma": 1, "lists": [[]], "slot": true, "tensors": 0)").path, "slot");
  EXPECT_EQ(
      evaluate(R"("sigma": 1, "lists": [[]], "slot": true, "hook_strengths": {"h": "a"})").path,
      "hook_strengths.h");
  std::string lists = "[]";
  for (int i = 0; i < evaluator::kMaxLists; ++i)
    lists += ", []";
  EXPECT_EQ(evaluate(R"("sigma": 1, "slot": true, "lists": [)" + lists + "]").code,
            ErrorCode::kOutOfRange);
}

}  // namespace
}  // namespace tandem
