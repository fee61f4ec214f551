// A job from its submission to its files: what `run`, `txt2img` and `wait` have in common.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "tools/client/client.hpp"
#include "tools/client/outputs.hpp"
#include "tools/tandem/service_options.hpp"

namespace tandem::client {

struct JobRequestOptions {
  ServiceOptions service;
  std::string tensors;  // safetensors file; empty: none
  std::string out_dir;  // empty: beside the job's file
  bool json = false;
};

// Below --out-dir, else in `folder`.
OutputPlace output_place(const std::string& out_dir, const std::filesystem::path& folder);

// Sends the job to the service of the options, shows its progress, writes and prints its outputs.
// Throws the job's error. Where a file could not be written, a service that goes on keeps the
// result.
void run_job(const job::Job& job, const JobTensors* tensors, const OutputPlace& place,
             const JobRequestOptions& options);

// Shows the progress of the job that `begin` submits or watches (it returns the id) and waits for
// its end. Throws the job's error.
JobResult wait_shown(Client& client, const std::function<std::string()>& begin);

// Writes the outputs and prints their paths, or with `json` the object below.
void write_and_print(const job::Job& job, const JobResult& result, const OutputPlace& place,
                     bool json);

// What --json prints: {"job": ID, "state": "done", "outputs": {"latent": ["/PATH"]}}, or
// {"state": "failed", "error": {...}}.
boost::json::object to_json(const std::string& id, const std::vector<WrittenOutput>& outputs);
boost::json::object to_json(const Failure& failure);

}  // namespace tandem::client
