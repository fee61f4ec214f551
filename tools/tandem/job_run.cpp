#include "tools/tandem/job_run.hpp"

#include <boost/json/value_from.hpp>

#include "tools/client/job_file.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/progress_line.hpp"

namespace tandem::client {
namespace {

// Ends the line that is drawn also where the wait ends with an error.
class Progress {
 public:
  explicit Progress(Client& client) : client_(client), line_(standard_error_screen()) {
    client_.on_event([this](const JobEvent& event) { line_.show(event); });
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() {
    client_.on_event({});
    line_.finish();
  }

 private:
  Client& client_;
  ProgressLine line_;
};

void print_files(const std::vector<WrittenOutput>& written) {
  for (const WrittenOutput& output : written) {
    for (const std::string& file : output.files)
      print(file);
  }
}

}  // namespace

OutputPlace output_place(const std::string& out_dir, const std::filesystem::path& folder) {
  if (out_dir.empty()) return {folder, false};
  return {std::filesystem::absolute(out_dir).lexically_normal(), true};
}

void run_job(const job::Job& job, const JobTensors* tensors, const OutputPlace& place,
             const JobRequestOptions& options) {
  check_outputs(job.output, place);
  prepare_folders(job.output, place);
  JobService service(options.service);
  Client& client = service.client();
  const JobResult result = wait_shown(client, [&] {
    return client.submit(job, tensors, {.on_disconnect = OnDisconnect::kCancel});
  });
  try {
    write_and_print(job, result, place, options.json);
  } catch (const Error& error) {
    if (service.is_private()) throw;
    Failure failure = error.failure();
    failure.hint = "The service keeps the result: tandem wait " + result.job + " --out-dir DIR";
    throw Error(std::move(failure));
  }
  client.forget(result.job);
}

JobResult wait_shown(Client& client, const std::function<std::string()>& begin) {
  const Progress progress(client);
  return client.wait_result(begin());
}

void write_and_print(const job::Job& job, const JobResult& result, const OutputPlace& place,
                     bool json) {
  const auto written = write_outputs(with_types(job, result.types), result, place);
  if (json) {
    print_json(to_json(result.job, written));
  } else {
    print_files(written);
  }
}

boost::json::object to_json(const std::string& id, const std::vector<WrittenOutput>& outputs) {
  boost::json::object files;
  for (const WrittenOutput& output : outputs) {
    files[output.key] = boost::json::value_from(output.files);
  }
  return {{"job", id}, {"state", name(Phase::kDone)}, {"outputs", std::move(files)}};
}

boost::json::object to_json(const Failure& failure) {
  const Phase state = failure.code == ErrorCode::kCancelled ? Phase::kCancelled : Phase::kFailed;
  return {{"state", name(state)}, {"error", failure_to_json(failure)}};
}

}  // namespace tandem::client
