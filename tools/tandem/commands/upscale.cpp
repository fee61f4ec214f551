#include <cstring>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>

#include "protocol/job/limits.hpp"
#include "tools/client/whole_file.hpp"
#include "tools/image/png.hpp"
#include "tools/image/png_pixels.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/job_run.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;

constexpr const char* kImage = "image";

struct Options : JobRequestOptions {
  std::string picture, model;
  std::string output = "out.png";
  job::Upscale upscale;
};

PngPixels read_picture(const std::string& path) {
  PngPixels pixels = read_png_pixels(read_whole_file(path, kMaxPngBytes), path);
  if (pixels.had_alpha) print_to_stderr(path + ": transparency is left out");
  return pixels;
}

// A safetensors file of one picture.
JobTensors to_tensors(const PngPixels& pixels) {
  const TensorLayout layout{DType::kF32, {1, pixels.height, pixels.width, 3}};
  const SafetensorsHead head = build_safetensors_header(std::vector<NamedLayout>{{kImage, layout}});
  std::vector<std::byte> file(head.file_size);
  std::memcpy(file.data(), head.bytes.data(), head.bytes.size());
  std::memcpy(file.data() + head.offsets.front(), pixels.rgb.data(), byte_size(layout));
  return JobTensors::copy(file, kImage);
}

job::Job make_job(const Options& options) {
  job::Job job;
  job.model.upscale = fs::absolute(options.model).lexically_normal();
  job.upscale = options.upscale;
  job.upscale->image = kImage;
  job.output.image = {.wanted = true, .file = fs::absolute(options.output).lexically_normal()};
  return job;
}

int run(const Options& options) {
  if (options.upscale.overlap >= options.upscale.tile) {
    throw ExitError(kUsage, {ErrorCode::kOutOfRange, "the overlap has to be less than the tile",
                             "tandem upscale --help"});
  }
  const JobTensors tensors = to_tensors(read_picture(options.picture));
  run_job(make_job(options), &tensors, output_place({}, fs::current_path()), options);
  return kDone;
}

}  // namespace

Action add_upscale(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("picture", options->picture, "Picture to enlarge")
      ->type_name("IN.png")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--model", options->model, "Upscale model of the ESRGAN family")
      ->type_name("FILE")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("-o,--output", options->output, "Picture to write: .png or .safetensors (out.png)")
      ->type_name("FILE");
  app.add_option("--tile", options->upscale.tile, "Side of a tile (512)")
      ->type_name("px")
      ->check(CLI::Range(job::kTileSide.least, job::kTileSide.most));
  app.add_option("--overlap", options->upscale.overlap, "Pixels that tiles share (32)")
      ->type_name("px")
      ->check(CLI::Range(job::kOverlap.least, job::kOverlap.most));
  app.add_flag("--json", options->json, "Print the result as JSON");
  add_job_service_options(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client
