#include "protocol/job/job_json.hpp"

#include <boost/json/serialize.hpp>

#include "protocol/job/limits.hpp"
#include "protocol/json_text.hpp"
#include "tests/protocol/expect_error.hpp"
#include "tests/protocol/golden_jobs.hpp"

namespace tandem::job {
namespace {

using test::failure_of;

// A job with the given members beside a version and an output.
std::string job_with(const std::string& members) {
  return R"({"version": 1, "output": {"latent": true})" + (members.empty() ? "" : ", " + members) +
         "}";
}

Job parse(const std::string& members) {
  return parse_job(std::string_view(job_with(members)));
}

Failure refusal(const std::string& members) {
  return failure_of([&] { parse(members); });
}

void expect_round_trip(const Job& job, const std::string& what) {
  const boost::json::object written = to_json(job);
  EXPECT_EQ(parse_job(written), job) << what;
  EXPECT_EQ(parse_job(std::string_view(boost::json::serialize(written))), job) << what;
}

TEST(JobJson, DefaultsAreTheFormats) {
  const Job job = parse(R"("sampler": {}, "positive": [{"text": "x"}])");
  EXPECT_EQ(job.sampler->name, "euler");
  EXPECT_EQ(job.sampler->scheduler, "normal");
  EXPECT_EQ(job.sampler->steps, 20);
  EXPECT_EQ(job.sampler->cfg, 8.0);
  EXPECT_EQ(job.sampler->denoise, 1.0);
  EXPECT_EQ(job.noise.seed, 0U);
  EXPECT_EQ(job.positive[0].strength, 1.0);
  EXPECT_EQ(job.positive[0].end_percent, 1.0);
  EXPECT_EQ(job.guider.kind, GuiderKind::kCfg);
  EXPECT_EQ(job.workers.batching, Batching::kAuto);
  EXPECT_FALSE(job.context || job.motion || job.upscale || job.forward || job.latent);
}

TEST(JobJson, EveryKeyOfTheFormatIsRead) {
  const Job job = parse(R"json(
    "model": {"file": "a", "vae": "b", "text_encoders": ["c", "d"], "upscale": "e", "tokenizer": "f",
              "loras": [{"file": "g", "strength_model": 0.5, "strength_clip": -0.25}],
              "clip_skip": -2, "embeddings": {"my style": "h"}, "dtype": "fp16", "text_dtype": "fp32",
              "vae_dtype": "bf16", "device": "gpu:1", "text_device": "cpu", "vae_device": "default"},
    "positive": [{"text": "t", "strength": 0.5, "area": {"height": 1, "width": 2, "y": 3, "x": 4},
                  "mask": "m", "mask_strength": 0.25, "set_area_to_bounds": true,
                  "start_percent": 0.1, "end_percent": 0.9, "default": true, "hooks": "h0",
                  "schedule_clip": true, "width": 1, "height": 2, "crop_w": 3, "crop_h": 4,
                  "target_width": 5, "target_height": 6, "guidance": 3.5,
                  "reference_latents": ["r"], "concat_latent_image": "ci", "concat_mask": "cm",
                  "clip_vision": "cv", "template_end": -1},
                 {"text_g": "g", "text_l": "l", "area_percent": {"height": 0.5}}],
    "negative": [{"tokens": "ids", "weights": "w", "hooks": ["h0", "h1"]}],
    "middle": [{"cond": "c", "pooled": "p"}],
    "latent": {"width": 512, "height": 768, "batch": 2, "frames": 3},
    "noise": {"seed": 18446744073709551614, "tensor": "n", "sampler_seed": 2,
              "sampler_device": "cuda", "batch_index": [0, 3]},
    "noise_mask": "nm",
    "sampler": {"name": "heun", "scheduler": "karras", "steps": 5, "cfg": 7.5, "denoise": 0.5,
                "start_step": 1, "end_step": 4, "add_noise": false,
                "return_with_leftover_noise": true, "sigmas": "s",
                "options": {"eta": 0.5, "order": 2, "solver_type": "heun", "flag": true}},
    "start_image": "si", "clip_vision_image": "cvi",
    "guider": {"kind": "dual_cfg", "cfg_middle": 2.0, "neg_scale": 0.5, "nested": true,
               "rescale": 0.7},
    "sampling": {"parameterization": "v_prediction", "zsnr": true, "kind": "flux", "shift": 3.0,
                 "multiplier": 1.0},
    "hooks": {"h0": [{"type": "weight", "file": "l", "strength_model": 0.5, "strength_clip": 2.0,
                      "keyframes": [{"start_percent": 0.5, "strength": 0.3, "guarantee_steps": 2}]}],
              "h1": [{"type": "wrapper", "plugin": "p", "options": {"a": [1, 2.5]}}]},
    "context": {"length": 8, "overlap": 2, "stride": 2, "schedule": "batched", "fuse": "flat",
                "closed_loop": true, "dim": 0},
    "motion": {"file": "mm", "beta_schedule": "linear (HotshotXL/default)", "scale": 1.3,
               "effect": 0.6, "start_percent": 0.1, "end_percent": 0.8},
    "vae": {"decode_tiled": {"tile_x": 32, "tile_y": 24, "overlap": 8, "tile_t": 4, "overlap_t": 1},
            "encode_tiled": {}},
    "upscale": {"image": "img", "tile": 256, "overlap": 16},
    "forward": {"x": "fx", "timestep": "ft", "context": "fc", "y": "fy", "guidance": "fg",
                "clip_fea": "ff", "num_tokens": 40, "ref_latents": ["r0"],
                "ref_latents_method": "offset"},
    "plugin": {"name": "p", "kind": "k", "options": {"a": {"b": 0.1}}, "tensors": ["pa", "pb"]},
    "workers": {"max": 2, "relative_speed": {"gpu:0": 1.0, "gpu:1": 0.5}, "batching": "exact",
                "split_batch": true, "audit": 0.1, "on_nan": "fp32"})json");
  EXPECT_EQ(job.model.embeddings.at("my style"), "h");
  EXPECT_EQ(job.model.loras[0].strength_clip, -0.25);
  EXPECT_EQ(job.model.dtype, ComputeType::kF16);
  EXPECT_EQ(job.model.clip_skip, -2);
  EXPECT_EQ(job.positive[0].area, (Area{1, 2, 3, 4}));
  EXPECT_EQ(job.positive[0].hooks, std::vector<std::string>({"h0"}));
  EXPECT_EQ(job.positive[0].template_end, -1);
  EXPECT_EQ(std::get<DualTextPrompt>(job.positive[1].prompt), (DualTextPrompt{"g", "l"}));
  EXPECT_EQ(job.positive[1].area_percent, (AreaPercent{0.5, 1.0, 0.0, 0.0}));
  EXPECT_EQ(std::get<TokenPrompt>(job.negative[0].prompt), (TokenPrompt{"ids", "w"}));
  EXPECT_EQ(std::get<EncodedPrompt>(job.middle[0].prompt), (EncodedPrompt{"c", "p"}));
  EXPECT_EQ(std::get<EmptyLatent>(*job.latent), (EmptyLatent{512, 768, 2, 3}));
  EXPECT_EQ(job.noise.seed, 18446744073709551614U);
  EXPECT_EQ(job.noise.sampler_device, NoiseDevice::kCuda);
  EXPECT_EQ(job.noise.batch_index, std::vector<int>({0, 3}));
  EXPECT_EQ(job.sampler->options.at("eta"), OptionValue(0.5));
  EXPECT_EQ(job.sampler->options.at("order"), OptionValue(std::int64_t{2}));
  EXPECT_EQ(job.sampler->options.at("solver_type"), OptionValue(std::string("heun")));
  EXPECT_EQ(job.sampler->options.at("flag"), OptionValue(true));
  EXPECT_EQ(job.guider, (Guider{GuiderKind::kDualCfg, 2.0, 0.5, true, 0.7}));
  EXPECT_EQ(job.sampling.kind, FlowKind::kFlux);
  EXPECT_EQ(job.hooks.at("h0")[0].keyframes[0], (Keyframe{0.5, 0.3, 2}));
  EXPECT_EQ(job.hooks.at("h1")[0].plugin, "p");
  EXPECT_EQ(job.context, (Context{8, 2, 2, "batched", "flat", true, 0}));
  EXPECT_EQ(job.motion->effect, 0.6);
  EXPECT_EQ(job.vae.decode_tiled, (Tiling{32, 24, 8, 4, 1}));
  EXPECT_EQ(job.vae.encode_tiled, kEncodeTiling);
  EXPECT_EQ(job.upscale, (Upscale{"img", 256, 16}));
  EXPECT_EQ(job.forward->num_tokens, 40);
  EXPECT_EQ(job.plugin, (PluginWork{"p", "k", R"({"a":{"b":1E-1}})", {"pa", "pb"}}));
  EXPECT_EQ(job.workers.relative_speed.at("gpu:1"), 0.5);
  EXPECT_EQ(job.workers.on_nan, OnNan::kFp32);
  expect_round_trip(job, "every key");
}

TEST(JobJson, EveryAcceleratorMayBeNamed) {
  for (const std::string name : {"gpu:0", "cuda:1", "hip:0", "xpu:12", "mps", "npu:0", "xpu",
                                 "privateuseone:0", "some_chip:3"}) {
    const Job job = parse(R"("model": {"device": ")" + name + R"("})");
    EXPECT_EQ(job.model.device, name);
    expect_round_trip(job, name);
  }
}

TEST(JobJson, OutputsAreOffOnOrNamed) {
  const Job job = parse_job(std::string_view(
      R"({"version": 1, "output": {"latent": "a.safetensors", "image": true, "noise": false,
          "image_dtype": "uint8", "fps": 24}})"));
  EXPECT_EQ(job.output.latent, (Output{true, "a.safetensors"}));
  EXPECT_EQ(job.output.image, (Output{true, ""}));
  EXPECT_EQ(job.output.noise, (Output{false, ""}));
  EXPECT_EQ(job.output.image_dtype, ImageType::kUint8);
  EXPECT_EQ(job.output.fps, 24.0);
  expect_round_trip(job, "outputs");
}

TEST(JobJson, OnlyWhatIsNotTheDefaultIsWritten) {
  const Job job = parse(R"("sampler": {"steps": 20, "cfg": 7.0}, "noise": {"seed": 0})");
  EXPECT_EQ(boost::json::serialize(to_json(job)),
            R"({"version":1,"sampler":{"cfg":7E0},"output":{"latent":true}})");
}

struct Refusal {
  const char* members;
  ErrorCode code;
  const char* path;
};

class JobRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(JobRefusal, NamesCodeAndPath) {
  const Failure failure = refusal(GetParam().members);
  EXPECT_EQ(name(failure.code), name(GetParam().code)) << failure.message;
  EXPECT_EQ(failure.path, GetParam().path) << failure.message;
  EXPECT_TRUE(failure.message.starts_with(failure.path + ": ")) << failure.message;
}

constexpr ErrorCode kBad = ErrorCode::kBadRequest;
constexpr ErrorCode kRange = ErrorCode::kOutOfRange;
constexpr ErrorCode kUnknown = ErrorCode::kUnknownKey;

INSTANTIATE_TEST_SUITE_P(
    Keys, JobRefusal,
    testing::Values(
        Refusal{R"("sampeler": {})", kUnknown, "sampeler"},
        Refusal{
            R"("positive": [{"text": "a"}, {"text": "b", "area": {"height": "x", "width": 1}}])",
            kBad, "positive[1].area.height"},
        Refusal{R"("positive": [{"text": "a", "strenght": 1}])", kUnknown, "positive[0].strenght"},
        Refusal{R"("positive": [{"text": "a", "pooled": "p"}])", kUnknown, "positive[0].pooled"},
        Refusal{R"("positive": [{"text": "a", "cond": "c"}])", kBad, "positive[0]"},
        Refusal{R"("positive": [{"strength": 1}])", kBad, "positive[0]"},
        Refusal{R"("positive": {"text": "a"})", kBad, "positive"},
        Refusal{R"("negative": ["a"])", kBad, "negative[0]"},
        Refusal{R"("middle": [{"cond": ""}])", kRange, "middle[0].cond"},
        Refusal{R"("positive": [{"text": "a", "hooks": "h9"}])", kBad, "positive[0].hooks"},
        Refusal{R"("positive": [{"text": "a", "area": {"width": 1}}])", kBad,
                "positive[0].area.height"},
        Refusal{R"("positive": [{"text": "a", "area": {"height": 0, "width": 1}}])", kRange,
                "positive[0].area.height"},
        Refusal{R"("positive": [{"text": "a", "area": {"height": 1, "width": 1},
                    "area_percent": {}}])",
                kBad, "positive[0]"},
        Refusal{R"("positive": [{"text": "a", "end_percent": 1.01}])", kRange,
                "positive[0].end_percent"},
        Refusal{R"("model": {"loras": [{"strength_model": 1}]})", kBad, "model.loras[0].file"},
        Refusal{R"("model": {"device": "gpu"})", kRange, "model.device"},
        Refusal{R"("model": {"vae_device": "gpu:x"})", kRange, "model.vae_device"},
        Refusal{R"("model": {"device": "cpu:0"})", kRange, "model.device"},
        Refusal{R"("model": {"device": "gpu:12345"})", kRange, "model.device"},
        Refusal{R"("model": {"device": "X y:0"})", kRange, "model.device"},
        Refusal{R"("model": {"text_device": ":0"})", kRange, "model.text_device"},
        Refusal{R"("model": {"text_device": "somewhere"})", kRange, "model.text_device"},
        Refusal{R"("model": {"dtype": "fp8"})", kRange, "model.dtype"},
        Refusal{R"("model": {"clip_skip": 1})", kRange, "model.clip_skip"},
        Refusal{R"("model": {"embeddings": {"a b": 1}})", kBad, R"(model.embeddings["a b"])"},
        Refusal{R"("model": {"file": "a\u0000b"})", kRange, "model.file"},
        Refusal{R"("latent": {})", kBad, "latent"},
        Refusal{R"("latent": {"width": 512})", kBad, "latent.height"},
        Refusal{R"("latent": {"width": 516, "height": 512})", kRange, "latent.width"},
        Refusal{R"("latent": {"width": 8, "height": 512})", kRange, "latent.width"},
        Refusal{R"("latent": {"width": 16392, "height": 512})", kRange, "latent.width"},
        Refusal{R"("latent": {"width": 512, "height": 512, "batch": 4097})", kRange,
                "latent.batch"},
        Refusal{R"("latent": {"tensor": "a", "image": "b"})", kBad, "latent"},
        Refusal{R"("noise": {"seed": -1})", kRange, "noise.seed"},
        Refusal{R"("noise": {"batch_index": [0, -1]})", kRange, "noise.batch_index[1]"},
        Refusal{R"("sampler": {"steps": 0})", kRange, "sampler.steps"},
        Refusal{R"("sampler": {"steps": 10001})", kRange, "sampler.steps"},
        Refusal{R"("sampler": {"steps": 2.5})", kBad, "sampler.steps"},
        Refusal{R"("sampler": {"denoise": 1.5})", kRange, "sampler.denoise"},
        Refusal{R"("sampler": {"cfg": "7"})", kBad, "sampler.cfg"},
        Refusal{R"("sampler": {"add_noise": 1})", kBad, "sampler.add_noise"},
        Refusal{R"("sampler": {"options": {"eta": [1]}})", kBad, "sampler.options.eta"},
        Refusal{R"("guider": {"kind": "dual"})", kRange, "guider.kind"},
        Refusal{R"("sampling": {"shift": -1})", kRange, "sampling.shift"},
        Refusal{R"("hooks": {"h0": [{"type": "wieght"}]})", kRange, "hooks.h0[0].type"},
        Refusal{R"("hooks": {"h0": [{"type": "weight"}]})", kBad, "hooks.h0[0].file"},
        Refusal{R"("hooks": {"h0": [{"type": "wrapper"}]})", kBad, "hooks.h0[0].plugin"},
        Refusal{R"("hooks": {"h0": [{"type": "weight", "file": "f", "keyframes": [{"x": 1}]}]})",
                kUnknown, "hooks.h0[0].keyframes[0].x"},
        Refusal{R"("plugin": {"kind": "k"})", kBad, "plugin.name"},
        Refusal{R"("plugin": {"name": "p"})", kBad, "plugin.kind"},
        Refusal{R"("plugin": {"name": "p", "kind": "k", "options": [1]})", kBad, "plugin.options"},
        Refusal{R"("plugin": {"name": "p", "kind": "k", "tensors": [""]})", kRange,
                "plugin.tensors[0]"},
        Refusal{R"("hooks": {"": []})", kRange, R"(hooks[""])"},
        Refusal{R"("context": {"length": 0})", kRange, "context.length"},
        Refusal{R"("context": {"fuse": "round"})", kRange, "context.fuse"},
        Refusal{R"("vae": {"decode_tiled": {"tile_x": 8, "overlap": 4}})", kRange,
                "vae.decode_tiled.overlap"},
        Refusal{R"("upscale": {"tile": 32, "overlap": 32})", kRange, "upscale.overlap"},
        Refusal{R"("forward": {"x": "x"})", kBad, "forward.timestep"},
        Refusal{R"("workers": {"max": 0})", kRange, "workers.max"},
        Refusal{R"("workers": {"relative_speed": {"gpu:0": 0}})", kRange,
                R"(workers.relative_speed["gpu:0"])"},
        Refusal{R"("model": {"file": {"tensors": "p."}})", ErrorCode::kUnsupported, "model.file"},
        Refusal{R"("model": {"vae": {"tensors": "p."}})", ErrorCode::kUnsupported, "model.vae"},
        Refusal{R"("model": {"text_encoders": ["a", {"tensors": "p."}]})", ErrorCode::kUnsupported,
                "model.text_encoders[1]"},
        Refusal{R"("model": {"tokenizer": {"tensors": "p."}})", ErrorCode::kUnsupported,
                "model.tokenizer"},
        Refusal{R"("model": {"upscale": {"tensors": "p."}})", ErrorCode::kUnsupported,
                "model.upscale"},
        Refusal{R"("motion": {"file": {"tensors": "p."}})", ErrorCode::kUnsupported, "motion.file"},
        Refusal{R"("model": {"embeddings": {"e": {"tensors": ""}}})", kRange,
                "model.embeddings.e.tensors"},
        Refusal{R"("model": {"embeddings": {"e": {"tensors": "p.", "x": 1}}})",
                ErrorCode::kUnknownKey, "model.embeddings.e.x"},
        Refusal{R"("model": {"loras": [{"file": {"tensors": ""}}]})", kRange,
                "model.loras[0].file.tensors"},
        Refusal{R"("model": {"loras": [{"file": {"tensors": "p.", "x": 1}}]})",
                ErrorCode::kUnknownKey, "model.loras[0].file.x"}));

Failure whole_refusal(std::string_view text) {
  return failure_of([&] { parse_job(text); });
}

TEST(JobJson, TheVersionIsChecked) {
  EXPECT_EQ(whole_refusal(R"({"version": 2, "output": {"latent": true}})").code,
            ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(whole_refusal(R"({"output": {"latent": true}})").path, "version");
  EXPECT_EQ(whole_refusal(R"({"version": "1", "output": {"latent": true}})").code, kBad);
}

TEST(JobJson, AnOutputIsNeeded) {
  EXPECT_EQ(whole_refusal(R"({"version": 1})").path, "output");
  EXPECT_EQ(whole_refusal(R"({"version": 1, "output": {"image": false}})").path, "output");
  EXPECT_EQ(whole_refusal(R"({"version": 1, "output": {"image": 1}})").path, "output.image");
}

TEST(JobJson, ATextThatIsNoJobIsRefused) {
  for (const char* text : {"", "[]", "{", "1", "{\"version\": 1, \"version\": 1}"}) {
    EXPECT_EQ(whole_refusal(text).code, kBad) << text;
  }
}

TEST(JobJson, ListsAreLimited) {
  const auto conds = [](std::size_t count) {
    std::string list = R"("positive": [{"text": ""})";
    for (std::size_t i = 1; i < count; ++i)
      list += R"(, {"text": ""})";
    return list + "]";
  };
  EXPECT_EQ(parse(conds(kMaxConds)).positive.size(), kMaxConds);
  EXPECT_EQ(refusal(conds(kMaxConds + 1)).path, "positive");
  const std::string prompt(kPromptText.max_bytes + 1, 'a');
  EXPECT_EQ(refusal(R"("positive": [{"text": ")" + prompt + R"("}])").code, kRange);
}

TEST(JobJson, NoMessageHoldsAPrompt) {
  const std::string prompt = "my secret prompt";
  for (const std::string& members : {
           R"("positive": ")" + prompt + "\"",
           R"("positive": [")" + prompt + "\"]",
           R"("positive": [{"text": "x", "strength": ")" + prompt + "\"}]",
           R"("sampler": {"steps": ")" + prompt + "\"}",
           R"("guider": {"kind": ")" + prompt + "\"}",
           R"("latent": ")" + prompt + "\"",
       }) {
    const Failure failure = refusal(members);
    EXPECT_EQ((failure.message + failure.hint).find("secret"), std::string::npos)
        << failure.message;
  }
}

TEST(JobJson, EveryGoldenJobIsReadAndWrittenBack) {
  if (test::golden_jobs().empty()) GTEST_SKIP() << "no golden cases at " << test::golden_folder();
  for (const auto& [name, text] : test::golden_jobs()) {
    try {
      expect_round_trip(parse_job(std::string_view(text)), name);
    } catch (const Error& error) {
      ADD_FAILURE() << name << ": " << error.what() << " " << error.failure().hint;
    }
  }
  RecordProperty("jobs", static_cast<int>(test::golden_jobs().size()));
}

}  // namespace
}  // namespace tandem::job
