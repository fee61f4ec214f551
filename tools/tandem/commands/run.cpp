#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "tools/client/job_file.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/job_run.hpp"

namespace tandem::client {
namespace {

struct Options : JobRequestOptions {
  std::string job;
};

std::string_view tensors_hint(const Options& options, const JobFile& file) {
  if (!options.tensors.empty()) return "";
  if (file.is_picture)
    return "A picture does not hold its job's tensors: give them with --tensors.";
  return "Give the file that holds it with --tensors.";
}

int run(const Options& options) {
  JobFile file = load_job(options.job);
  const OutputPlace place = output_place(options.out_dir, file.folder);
  if (file.is_picture) spare_picture(file, options.job, place.folder);
  std::optional<JobTensors> tensors;
  if (!options.tensors.empty()) tensors = JobTensors::load(options.tensors);
  const JobTensors* given = tensors ? &*tensors : nullptr;
  check_tensors(file.job, given, tensors_hint(options, file));
  run_job(file.job, given, place, options);
  return kDone;
}

}  // namespace

Action add_run(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("job", options->job, "Job (JSON), or a PNG with the job that made it")
      ->type_name("JOB.json|PICTURE.png")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--tensors", options->tensors, "Safetensors file with the tensors the job names")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  app.add_option("--out-dir", options->out_dir, "Where outputs go (beside the job's file)")
      ->type_name("DIR");
  app.add_flag("--json", options->json, "Print the result as JSON");
  add_job_service_options(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client
