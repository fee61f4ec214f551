#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "tools/client/job_file.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/job_run.hpp"

namespace tandem::client {
namespace {

struct Options {
  ServiceOptions service;
  std::string job, tensors;
  int priority = 0;
  bool json = false;
};

int run(const Options& options) {
  const JobFile file = load_job(options.job);
  check_outputs(file.job.output, output_place({}, file.folder));
  std::optional<JobTensors> tensors;
  if (!options.tensors.empty()) tensors = JobTensors::load(options.tensors);
  const JobTensors* given = tensors ? &*tensors : nullptr;
  check_tensors(file.job, given, given != nullptr ? "" : "Give the file with --tensors.");
  const std::string id =
      connect(options.service)->submit(file.job, given, {.priority = options.priority});
  if (options.json) {
    print_json({{"job", id}});
  } else {
    print("submitted " + id);
  }
  return kDone;
}

}  // namespace

Action add_submit(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("job", options->job, "Job (JSON), or a PNG with the job that made it")
      ->type_name("JOB.json|PICTURE.png")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--tensors", options->tensors, "Safetensors file with the tensors the job names")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  app.add_option("--priority", options->priority, "-10 to 10, higher first (0)")
      ->type_name("N")
      ->check(CLI::Range(-10, 10));
  app.add_flag("--json", options->json, "Print {\"job\": ID}");
  add_socket_option(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client
