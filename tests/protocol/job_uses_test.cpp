#include "protocol/job/job_uses.hpp"

#include <gtest/gtest.h>

#include "protocol/job/job_json.hpp"

namespace tandem::job {
namespace {

Job sample() {
  return parse_job(std::string_view(R"({"version": 1,
    "model": {"file": "../models/a.safetensors", "vae": "/abs/v.safetensors", "text_encoders": ["t"],
              "loras": [{"file": "l"}], "embeddings": {"my style": "e"}},
    "positive": [{"cond": "pos", "pooled": "pp", "mask": "m"},
                 {"tokens": "ids", "reference_latents": ["r0", "r1"]}, {"text": "x", "hooks": "h0"}],
    "negative": [{"tokens": "ids", "weights": "w"}],
    "latent": {"image": "img"}, "noise": {"tensor": "n"}, "noise_mask": "nm",
    "sampler": {"sigmas": "s"}, "hooks": {"h0": [{"type": "weight", "file": "hook.safetensors"}]},
    "motion": {"file": "mm"}, "upscale": {"image": "u"}, "forward": {"x": "fx", "timestep": "ft"},
    "plugin": {"name": "p", "kind": "k", "tensors": ["pa", "pb"]},
    "output": {"latent": "out.safetensors"}})"));
}

TEST(JobUses, TensorsWithThePathsThatNameThem) {
  const std::vector<TensorUse> expected = {
      {"pos", "positive[0].cond"},
      {"pp", "positive[0].pooled"},
      {"m", "positive[0].mask"},
      {"ids", "positive[1].tokens"},
      {"r0", "positive[1].reference_latents[0]"},
      {"r1", "positive[1].reference_latents[1]"},
      {"ids", "negative[0].tokens"},
      {"w", "negative[0].weights"},
      {"img", "latent.image"},
      {"n", "noise.tensor"},
      {"nm", "noise_mask"},
      {"s", "sampler.sigmas"},
      {"u", "upscale.image"},
      {"fx", "forward.x"},
      {"ft", "forward.timestep"},
      {"pa", "plugin.tensors[0]"},
      {"pb", "plugin.tensors[1]"},
  };
  EXPECT_EQ(tensors_named(sample()), expected);
}

TEST(JobUses, FilesWithTheirKinds) {
  Job job = sample();
  std::vector<std::string> found;
  for (const FileUse& use : files_named(job)) {
    found.push_back(use.path + " " + std::string(folder_name(use.kind)) + " " + *use.file);
  }
  EXPECT_EQ(found, std::vector<std::string>({
                       "model.file checkpoints ../models/a.safetensors",
                       "model.vae vae /abs/v.safetensors",
                       "model.text_encoders[0] text_encoders t",
                       "model.loras[0].file loras l",
                       R"(model.embeddings["my style"] embeddings e)",
                       "hooks.h0[0].file loras hook.safetensors",
                       "motion.file animatediff_models mm",
                   }));
}

TEST(JobUses, PathsAreResolvedAgainstTheJobsFolder) {
  Job job = sample();
  resolve_paths(job, "/jobs/today");
  EXPECT_EQ(job.model.file, "/jobs/models/a.safetensors");
  EXPECT_EQ(job.model.vae, "/abs/v.safetensors");
  EXPECT_EQ(job.model.loras[0].file, "/jobs/today/l");
  EXPECT_EQ(job.motion->file, "/jobs/today/mm");
  EXPECT_EQ(job.output.latent.file, "out.safetensors");
}

TEST(JobUses, TensorsMayStandForTheFilesOfLorasHooksAndEmbeddings) {
  const std::string text = R"({"version": 1,
    "model": {"file": "m", "loras": [{"file": {"tensors": "a."}}, {"file": "b"}],
              "embeddings": {"e": {"tensors": "d."}, "f": "g"}},
    "hooks": {"h": [{"type": "weight", "file": {"tensors": "c."}}]}, "output": {"latent": true}})";
  Job job = parse_job(std::string_view(text));
  std::vector<std::string> found;
  for (const FileUse& use : tensor_sources_named(job))
    found.push_back(use.path + " " + *tensors_prefix(*use.file));
  EXPECT_EQ(found, (std::vector<std::string>{"model.loras[0].file a.", "model.embeddings.e d.",
                                             "hooks.h[0].file c."}));
  EXPECT_EQ(files_named(job).size(), 3U);
  EXPECT_EQ(tensors_prefix("a."), std::nullopt);
  resolve_paths(job, "/jobs");
  EXPECT_EQ(job.model.loras[0].file, tensors_in_place_of_file("a."));
  EXPECT_EQ(parse_job(to_json(job)), job);
}

TEST(JobUses, AJobWithoutAnythingNamesNothing) {
  Job job;
  EXPECT_TRUE(tensors_named(job).empty());
  EXPECT_TRUE(files_named(job).empty());
}

}  // namespace
}  // namespace tandem::job
