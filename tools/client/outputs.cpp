#include "tools/client/outputs.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/error.hpp"
#include "protocol/job/names.hpp"
#include "tools/client/picture_text.hpp"
#include "tools/client/whole_file.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::byte>;

std::string key_of(std::string_view key) {
  return "output." + std::string(key);
}

bool is_json(std::string_view key) {
  return key == "tokens" || key == "windows";
}

Bytes bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// The reply's value of one output.
const boost::json::value& value_of(const JobResult& result, std::string_view key) {
  if (const boost::json::value* value = result.outputs.if_contains(key)) return *value;
  throw Error(ErrorCode::kMissingTensor, "the result holds no output '" + std::string(key) + "'",
              {}, key_of(key));
}

std::vector<std::string> tensor_names(const JobResult& result, std::string_view key) {
  const boost::json::array* names = value_of(result, key).if_array();
  std::vector<std::string> found;
  if (names != nullptr) {
    for (const boost::json::value& name : *names) {
      if (const boost::json::string* text = name.if_string()) found.emplace_back(*text);
    }
  }
  if (!found.empty() && result.tensors) return found;
  throw Error(ErrorCode::kMissingTensor,
              "the result names no tensors for the output '" + std::string(key) + "'", {},
              key_of(key));
}

void write_tensors(const fs::path& path, const JobResult& result, std::string_view key) {
  std::vector<NamedLayout> layouts;
  std::vector<Bytes> parts(1);
  for (const std::string& name : tensor_names(result, key)) {
    layouts.emplace_back(name, result.tensors->layout(name));
    parts.push_back(result.tensors->bytes(name));
  }
  const SafetensorsHead head = build_safetensors_header(layouts);
  parts.front() = bytes_of(head.bytes);
  write_whole_file(path, parts);
}

void write_json(const fs::path& path, const JobResult& result, std::string_view key) {
  const std::string text = boost::json::serialize(value_of(result, key)) + "\n";
  const Bytes part = bytes_of(text);
  write_whole_file(path, std::span(&part, 1));
}

// As ComfyUI writes pictures: cut to whole steps, not rounded. A NaN is shown black; a worker has
// refused it long before.
std::uint8_t to_byte(float value) {
  if (!(value > 0.0F)) return 0;
  return static_cast<std::uint8_t>(std::min(value, 1.0F) * 255.0F);
}

std::vector<std::uint8_t> to_pixels(Bytes bytes, DType dtype) {
  std::vector<std::uint8_t> pixels(bytes.size() / size_of(dtype));
  if (dtype == DType::kU8) {
    std::memcpy(pixels.data(), bytes.data(), bytes.size());
    return pixels;
  }
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    float value = 0.0F;
    std::memcpy(&value, bytes.data() + i * sizeof(value), sizeof(value));
    pixels[i] = to_byte(value);
  }
  return pixels;
}

void check_picture(const TensorLayout& layout) {
  const bool is_known = layout.dtype == DType::kF32 || layout.dtype == DType::kU8;
  if (is_known && layout.shape.size() == 4 && layout.shape[3] == 3 && layout.shape[0] > 0) return;
  throw Error(ErrorCode::kBadShape,
              "expected an image of shape (batch, height, width, 3), float32 or uint8; found " +
                  std::string(safetensors_name(layout.dtype)) + " with " +
                  std::to_string(layout.shape.size()) + " dimensions",
              {}, key_of("image"));
}

std::vector<fs::path> write_pictures(const fs::path& path, const job::Job& job,
                                     const JobResult& result) {
  const std::string name = tensor_names(result, "image").front();
  const TensorLayout& layout = result.tensors->layout(name);
  check_picture(layout);
  PictureFacts facts{.width = static_cast<std::uint32_t>(layout.shape[2]),
                     .height = static_cast<std::uint32_t>(layout.shape[1]),
                     .batch = static_cast<std::size_t>(layout.shape[0])};
  const Bytes all = result.tensors->bytes(name);
  const std::size_t bytes = all.size() / facts.batch;
  const std::vector<fs::path> paths = picture_paths(path, facts.batch);
  for (; facts.index < facts.batch; ++facts.index) {
    const auto pixels = to_pixels(all.subspan(facts.index * bytes, bytes), layout.dtype);
    const auto png = encode_png({facts.width, facts.height, pixels}, picture_texts(job, facts));
    const Bytes part = png;
    write_whole_file(paths[facts.index], std::span(&part, 1));
  }
  return paths;
}

std::vector<fs::path> write_output(const fs::path& path, const job::Job& job,
                                   const JobResult& result, std::string_view key) {
  if (key == "image" && path.extension() == ".png") return write_pictures(path, job, result);
  if (is_json(key)) {
    write_json(path, result, key);
  } else {
    write_tensors(path, result, key);
  }
  return {path};
}

[[noreturn]] void throw_no_folder(const fs::path& folder, const std::string& why) {
  throw Error(ErrorCode::kMissingFile, "the folder " + folder.string() + " " + why, {},
              folder.string());
}

void prepare_folder(const fs::path& path, const OutputPlace& place, const std::string& name) {
  const fs::path folder = path.parent_path();
  std::error_code error;
  const bool may_make = place.is_out_dir && !fs::path(name).is_absolute();
  if (may_make) fs::create_directories(folder, error);
  if (error) throw_no_folder(folder, "can't be made: " + error.message());
  if (!fs::is_directory(folder, error)) throw_no_folder(folder, "of an output is not there");
}

// Calls use(key, output) for each output that is to become a file.
template <class Use>
void for_each_file(const job::Outputs& outputs, const Use& use) {
  for (const job::OutputRow& row : job::kOutputs) {
    const job::Output& output = outputs.*row.field;
    if (output.wanted && !output.file.empty()) use(row.key, output);
  }
}

}  // namespace

fs::path output_path(std::string_view key, const std::string& name, const OutputPlace& place) {
  const fs::path relative = fs::path(name).lexically_normal();
  if (!relative.has_filename() || relative == "." || relative == "..") {
    throw Error(ErrorCode::kBadRequest,
                key_of(key) + ": expected a file's name, found \"" + name + "\"", {}, key_of(key));
  }
  if (relative.is_absolute()) return relative;
  if (*relative.begin() == "..") {
    throw Error(ErrorCode::kOutOfRange, key_of(key) + ": \"" + name + "\" leaves the output folder",
                "Name a file below it, or an absolute path.", key_of(key));
  }
  return fs::absolute(place.folder).lexically_normal() / relative;
}

std::vector<fs::path> picture_paths(const fs::path& path, std::size_t count) {
  if (count == 1) return {path};
  std::vector<fs::path> paths;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = path.stem().string() + "-" + std::to_string(i);
    paths.push_back(path.parent_path() / (name + path.extension().string()));
  }
  return paths;
}

void check_outputs(const job::Outputs& outputs, const OutputPlace& place) {
  std::set<fs::path> seen;
  for_each_file(outputs, [&](std::string_view key, const job::Output& output) {
    const fs::path path = output_path(key, output.file, place);
    if (!seen.insert(path).second) {
      throw Error(ErrorCode::kBadRequest,
                  key_of(key) + ": another output is written to \"" + output.file + "\" too", {},
                  key_of(key));
    }
    const fs::path ending = path.extension();
    if (key == "image" && ending != ".png" && ending != ".safetensors") {
      throw Error(ErrorCode::kUnsupported,
                  "output.image: expected a name ending in .png or .safetensors, found \"" +
                      output.file + "\"",
                  {}, key_of(key));
    }
  });
}

void prepare_folders(const job::Outputs& outputs, const OutputPlace& place) {
  for_each_file(outputs, [&](std::string_view key, const job::Output& output) {
    prepare_folder(output_path(key, output.file, place), place, output.file);
  });
}

std::vector<WrittenOutput> write_outputs(const job::Job& job, const JobResult& result,
                                         const OutputPlace& place) {
  prepare_folders(job.output, place);
  std::vector<WrittenOutput> written;
  for_each_file(job.output, [&](std::string_view key, const job::Output& output) {
    const fs::path path = output_path(key, output.file, place);
    WrittenOutput& row = written.emplace_back();
    row.key = key;
    for (const fs::path& file : write_output(path, job, result, key))
      row.files.push_back(file);
  });
  return written;
}

}  // namespace tandem::client
