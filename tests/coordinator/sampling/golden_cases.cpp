#include "tests/coordinator/sampling/golden_cases.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>

#include <ATen/ATen.h>

#include "protocol/job/job_json.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::coordinator {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> places() {
  std::vector<fs::path> found;
  if (const char* const dir = std::getenv("TANDEM_GOLDEN_DIR")) found.emplace_back(dir);
  found.push_back(source_root() / "tests/golden");
  found.push_back(source_root() / "../shared/golden");
  return found;
}

// The largest of the trees: the repository carries a selection only.
fs::path folder_of(const std::string& group) {
  fs::path best;
  std::ptrdiff_t most = 0;
  for (const fs::path& place : places()) {
    const fs::path folder = place / "cases" / group;
    if (!fs::is_directory(folder)) continue;
    const auto cases = std::distance(fs::directory_iterator(folder), fs::directory_iterator());
    if (cases > most) best = folder;
    most = std::max(most, cases);
  }
  return best;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

at::ScalarType scalar_type(DType dtype) {
  if (dtype == DType::kF32) return at::kFloat;
  if (dtype == DType::kF64) return at::kDouble;
  if (dtype == DType::kI64) return at::kLong;
  throw std::runtime_error("a golden case of a type that these tests do not read");
}

ModelInfo model_of(const job::Job& job) {
  ModelInfo model;
  model.display_name = "a golden model";
  const bool predicts_v = fs::path(job.model.file).filename() == "sd2v.safetensors";
  model.sigmas.parameterization =
      predicts_v ? Parameterization::kVPrediction : Parameterization::kEps;
  return model;
}

}  // namespace

std::map<std::string, at::Tensor> read_tensors(const fs::path& path) {
  std::map<std::string, at::Tensor> tensors;
  if (!fs::exists(path)) return tensors;
  std::string bytes = read_file(path);
  const SafetensorsHeader header =
      parse_safetensors_header(std::as_bytes(std::span(bytes)), bytes.size(), path.string());
  for (const auto& [name, entry] : header.tensors) {
    tensors[name] = at::from_blob(bytes.data() + header.data_offset + entry.begin,
                                  entry.layout.shape, scalar_type(entry.layout.dtype))
                        .clone();
  }
  return tensors;
}

fs::path source_root() {
  if (const char* const source = std::getenv("TANDEM_SOURCE_DIR")) return source;
  return fs::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
}

std::vector<std::string> golden_names(const std::string& group) {
  const fs::path folder = folder_of(group);
  if (folder.empty()) return {""};
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

GoldenCase read_golden_case(const std::string& group, const std::string& name) {
  const fs::path folder = folder_of(group) / name;
  GoldenCase golden;
  golden.job = job::parse_job(read_file(folder / "case.json"));
  golden.model = model_of(golden.job);
  golden.tensors = read_tensors(folder / "tensors.safetensors");
  golden.expected = read_tensors(folder / "expected.safetensors");
  golden.brownian = read_tensors(folder / "brownian.safetensors");
  return golden;
}

std::string test_name(const std::string& case_name) {
  return case_name.empty() ? "golden_tree_is_absent" : case_name;
}

std::string golden_places() {
  std::string text;
  for (const fs::path& place : places())
    text += (text.empty() ? "" : ", ") + place.string();
  return text;
}

}  // namespace tandem::coordinator
