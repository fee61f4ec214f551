#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>

#include "protocol/job/job_json.hpp"
#include "protocol/job/names.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/job_run.hpp"

namespace tandem::client {
namespace {

struct Options {
  ServiceOptions service;
  std::string id, out_dir;
  bool json = false;
};

// A service that keeps the job as it was sent gives it back under "spec".
std::optional<job::Job> find_spec(const boost::json::object& reply) {
  const boost::json::value* spec = reply.if_contains("spec");
  if (spec == nullptr || !spec->is_object()) return std::nullopt;
  return job::parse_job(spec->get_object());
}

// Otherwise each output gets a name of its own: "ID-image.png", "ID-latent.safetensors".
job::Job named_by_id(const JobResult& result) {
  job::Job job;
  for (const job::OutputRow& row : job::kOutputs) {
    if (!result.outputs.contains(row.key)) continue;
    const bool is_json = row.key == "tokens" || row.key == "windows";
    const std::string ending = row.key == "image" ? ".png" : is_json ? ".json" : ".safetensors";
    job.output.*row.field = {true, result.job + "-" + std::string(row.key) + ending};
  }
  return job;
}

int run(const Options& options) {
  const std::unique_ptr<Client> client = connect(options.service);
  const std::optional<job::Job> spec = find_spec(client->job(options.id));
  const JobResult result = wait_shown(*client, [&] {
    client->watch(options.id);
    return options.id;
  });
  const OutputPlace place = output_place(options.out_dir, std::filesystem::current_path());
  write_and_print(spec ? *spec : named_by_id(result), result, place, options.json);
  return kDone;
}

}  // namespace

Action add_wait(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("id", options->id, "The job's id, as 'tandem submit' printed it")
      ->type_name("ID")
      ->required();
  app.add_option("--out-dir", options->out_dir, "Where outputs go (this folder)")->type_name("DIR");
  app.add_flag("--json", options->json, "Print the result as JSON");
  add_socket_option(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client
