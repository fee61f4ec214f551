#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>

#include <CLI/CLI.hpp>

#include "protocol/job/limits.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/job_run.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;

struct Options : JobRequestOptions {
  std::string prompt, negative, model;
  job::Sampler sampler;
  std::optional<std::uint64_t> seed;
  std::optional<int> width, height;
  std::optional<double> cfg;
  std::string output = "out.png";
};

// What suits the demo model, which was trained on pictures of this size, and other models.
constexpr int kDemoSide = 256;
constexpr double kDemoCfg = 6.0;
constexpr int kUsualSide = 512;

fs::path demo_model() {
  const char* folder = std::getenv("TANDEM_DATA_DIR");
  const fs::path data = folder != nullptr && *folder != '\0'
                            ? fs::path(folder)
                            : program_folder().parent_path() / "share/tandem";
  const fs::path model = data / "demo.safetensors";
  std::error_code error;
  if (fs::exists(model, error)) return fs::absolute(model).lexically_normal();
  throw Error(
      ErrorCode::kMissingFile, "the demo model is not at " + model.string(),
      "Name a checkpoint with --model FILE, or the demo model's folder with TANDEM_DATA_DIR.",
      model.string());
}

std::uint64_t random_seed() {
  std::random_device device;
  const std::uint64_t seed = device();
  print_to_stderr("seed " + std::to_string(seed));
  return seed;
}

job::Cond cond(const std::string& text) {
  job::Cond cond;
  cond.prompt = job::TextPrompt{text};
  return cond;
}

job::Job make_job(const Options& options) {
  const bool is_demo = options.model.empty();
  const int side = is_demo ? kDemoSide : kUsualSide;
  job::Job job;
  job.model.file = is_demo ? demo_model() : fs::absolute(options.model).lexically_normal();
  job.positive = {cond(options.prompt)};
  job.negative = {cond(options.negative)};
  job.latent = job::EmptyLatent{
      .width = options.width.value_or(side), .height = options.height.value_or(side), .frames = {}};
  job.noise.seed = options.seed ? *options.seed : random_seed();
  job.sampler = options.sampler;
  job.sampler->cfg = options.cfg.value_or(is_demo ? kDemoCfg : job::Sampler{}.cfg);
  job.output.image = {.wanted = true, .file = fs::absolute(options.output).lexically_normal()};
  return job;
}

void add_picture_options(CLI::App& app, Options& options) {
  const CLI::Range pixels(job::kPixels.least, job::kPixels.most);
  app.add_option("-W,--width", options.width, "Width (512; 256 with the demo model)")
      ->type_name("px")
      ->check(pixels);
  app.add_option("-H,--height", options.height, "Height (512; 256 with the demo model)")
      ->type_name("px")
      ->check(pixels);
  app.add_option("-o,--output", options.output, "Picture to write: .png or .safetensors (out.png)")
      ->type_name("FILE");
}

void add_sampler_options(CLI::App& app, Options& options) {
  app.add_option("--steps", options.sampler.steps, "Steps of the sampler (20)")
      ->type_name("N")
      ->check(CLI::Range(job::kSteps.least, job::kSteps.most));
  app.add_option("--seed", options.seed, "Seed of the noise (drawn, and told)")->type_name("N");
  app.add_option("--cfg", options.cfg, "Guidance scale (8; 6 with the demo model)")->type_name("F");
  app.add_option("--sampler", options.sampler.name, "Sampler (euler); 'tandem catalog' lists them")
      ->type_name("NAME");
  app.add_option("--scheduler", options.sampler.scheduler, "Schedule of the steps (normal)")
      ->type_name("NAME");
}

}  // namespace

Action add_txt2img(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("prompt", options->prompt, "What the picture shows")->required();
  app.add_option("--negative", options->negative, "What it does not show")->type_name("TEXT");
  app.add_option("--model", options->model, "Checkpoint (the demo model)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  add_sampler_options(app, *options);
  add_picture_options(app, *options);
  app.add_flag("--json", options->json, "Print the result as JSON");
  add_job_service_options(app, options->service);
  return [options] {
    run_job(make_job(*options), nullptr, output_place({}, fs::current_path()), *options);
    return kDone;
  };
}

}  // namespace tandem::client
