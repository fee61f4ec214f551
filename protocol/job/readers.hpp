// The objects of the job format, one function each; used by job_json.cpp and by
// protocol/evaluator alone.
#pragma once

#include "protocol/job/job.hpp"
#include "protocol/object_reader.hpp"

namespace tandem::job::detail {

Model read_model(ObjectReader& keys);
Cond read_cond(ObjectReader& keys);
// All of a cond but its prompt.
Cond read_cond_place(ObjectReader& keys);
Latent read_latent(ObjectReader& keys);
Noise read_noise(ObjectReader& keys);
Sampler read_sampler(ObjectReader& keys);
Guider read_guider(ObjectReader& keys);
Sampling read_sampling(ObjectReader& keys);
Hook read_hook(ObjectReader& keys);
// "hooks": groups of them by their ids.
void read_hook_groups(ObjectReader& keys, std::map<std::string, std::vector<Hook>>& groups);
Context read_context(ObjectReader& keys);
Motion read_motion(ObjectReader& keys);
Vae read_vae(ObjectReader& keys);
Upscale read_upscale(ObjectReader& keys);
Forward read_forward(ObjectReader& keys);
PluginWork read_plugin(ObjectReader& keys);
Workers read_workers(ObjectReader& keys);
Outputs read_outputs(ObjectReader& keys);

// A file name. Tensors of the message in its place are refused as kUnsupported.
std::string to_file(const boost::json::value& value, const std::string& path);
void read_file(ObjectReader& keys, std::string_view key, std::string& field);
// A file name, or tensors of the message (tensors_in_place_of_file).
std::string to_source(const boost::json::value& value, const std::string& path);
void read_source(ObjectReader& keys, std::string_view key, std::string& field);

// A plug-in's options, an object of its own, as text.
void read_plugin_options(ObjectReader& keys, std::string& field);

// A string out of a closed list.
void read_listed(ObjectReader& keys, std::string_view key, std::string& field,
                 std::span<const std::string_view> names);

}  // namespace tandem::job::detail
