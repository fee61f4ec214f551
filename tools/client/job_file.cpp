#include "tools/client/job_file.hpp"

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/error.hpp"
#include "protocol/job/job_json.hpp"
#include "protocol/job/job_uses.hpp"
#include "protocol/job/names.hpp"
#include "protocol/json_text.hpp"
#include "tools/client/picture_text.hpp"
#include "tools/client/whole_file.hpp"
#include "tools/image/png.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

job::Job parse_named(std::string_view json, const std::string& file) {
  try {
    return job::parse_job(json);
  } catch (const Error& error) {
    Failure failure = error.failure();
    failure.message = file + ": " + failure.message;
    throw Error(std::move(failure));
  }
}

job::Job parse_picture(std::span<const std::byte> bytes, const std::string& file) {
  const std::vector<PngText> texts = read_png_texts(bytes, file);
  return parse_named(find_job_text(texts, file), file);
}

// A file beside the job is meant where there is one; else a name is the service's to look up. One
// that says by its dots where it lies is no such name.
void place_files(job::Job& job, const fs::path& folder) {
  job::Job beside = job;
  job::resolve_paths(beside, folder.string());
  const std::vector<job::FileUse> placed = job::files_named(beside);
  const std::vector<job::FileUse> named = job::files_named(job);
  for (std::size_t i = 0; i < named.size(); ++i) {
    std::error_code error;
    if (named[i].file->starts_with(".") || fs::exists(*placed[i].file, error)) {
      *named[i].file = *placed[i].file;
    }
  }
}

// Whether the file is called so: "out.png", or one of a batch, "out-3.png".
bool is_name_of(const fs::path& file, const fs::path& name) {
  if (file == name) return true;
  const std::string stem = file.stem().string();
  const std::string start = name.stem().string() + "-";
  return file.extension() == name.extension() && stem.starts_with(start) &&
         stem.find_first_not_of("0123456789", start.size()) == std::string::npos;
}

}  // namespace

JobFile load_job(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::vector<std::byte> bytes = read_whole_file(path, kMaxPngBytes);
  JobFile file;
  file.is_picture = is_png(bytes);
  file.folder = fs::absolute(path).parent_path().lexically_normal();
  file.job = file.is_picture ? parse_picture(bytes, name) : parse_named(as_text(bytes), name);
  place_files(file.job, file.folder);
  return file;
}

void spare_picture(JobFile& file, const fs::path& picture, const fs::path& output_folder) {
  const fs::path name = file.job.output.image.file;
  std::error_code error;
  const bool is_same_folder =
      fs::equivalent(output_folder / name.parent_path(), picture.parent_path() / ".", error);
  if (!is_same_folder || !is_name_of(picture.filename(), name.filename())) return;
  const std::string spared = name.stem().string() + "-repeat" + name.extension().string();
  file.job.output.image.file = (name.parent_path() / spared).string();
}

job::Job with_types(job::Job job, const boost::json::object& types) {
  const auto set = [&](std::string_view part, ComputeType& type) {
    const boost::json::value* given = types.if_contains(part);
    for (const auto& choice : job::kComputeTypes) {
      if (given != nullptr && given->is_string() && given->get_string() == choice.name) {
        type = choice.value;
      }
    }
  };
  set("model", job.model.dtype);
  set("text", job.model.text_dtype);
  set("vae", job.model.vae_dtype);
  return job;
}

}  // namespace tandem::client
