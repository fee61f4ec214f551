#include "tests/models/golden_case.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include <ATen/ATen.h>

#include "models/checkpoint/checkpoint.hpp"
#include "tests/models/support/golden_tree.hpp"

namespace tandem::models {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

json::value read_json(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return json::parse(text.str());
}

TensorMap read_tensors(const fs::path& file) {
  return fs::exists(file) ? open_checkpoint(file.string()).tensors : TensorMap{};
}

ModelSpec model_of(const json::value& job, const fs::path& folder) {
  const auto& model = job.at("model").as_object();
  const auto file = [&](const char* key) {
    const auto* name = model.if_contains(key);
    return name == nullptr ? std::string()
                           : (folder / std::string(name->as_string())).lexically_normal().string();
  };
  ModelSpec spec;
  spec.file = file("file");
  spec.vae = file("vae");
  spec.upscale = file("upscale");
  return spec;
}

bool is_runnable(const fs::path& folder) {
  const ModelSpec model = model_of(read_json(folder / "case.json"), folder);
  const auto is_there = [](const std::string& file) { return file.empty() || fs::exists(file); };
  return is_there(model.file) && is_there(model.vae) && is_there(model.upscale);
}

}  // namespace

std::vector<std::string> golden_names(const std::string& group,
                                      const std::vector<std::string>& without) {
  const auto folder = find_golden(fs::path("cases") / group);
  if (!folder) return {""};
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(*folder)) {
    const std::string name = entry.path().filename();
    const bool left_out = std::any_of(without.begin(), without.end(), [&](const std::string& part) {
      return name.find(part) != std::string::npos;
    });
    if (!left_out && is_runnable(entry.path())) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

GoldenCase read_golden_case(const std::string& group, const std::string& name) {
  const fs::path folder = find_golden(fs::path("cases") / group / name).value();
  GoldenCase golden;
  golden.job = read_json(folder / "case.json");
  if (fs::exists(folder / "expected.json")) {
    golden.expected_json = read_json(folder / "expected.json");
  }
  golden.tensors = read_tensors(folder / "tensors.safetensors");
  golden.expected = read_tensors(folder / "expected.safetensors");
  golden.model = model_of(golden.job, folder);
  return golden;
}

double golden_difference(const at::Tensor& got, const at::Tensor& expected) {
  if (got.sizes() != expected.sizes()) return std::numeric_limits<double>::infinity();
  const at::Tensor want = expected.to(at::kDouble);
  const auto difference = (got.to(at::kDouble) - want).abs().max().item<double>();
  return difference / want.std(/*unbiased=*/false).item<double>();
}

}  // namespace tandem::models
