#include "coordinator/execution/tiled_units.hpp"

#include <span>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kMaxResultBytes = std::size_t{4} << 30;
// Tiles that are under way at a time: enough for many workers, few enough for the memory.
constexpr std::size_t kWaveBytes = std::size_t{512} << 20;
constexpr std::size_t kSmallestWave = 16;

at::Tensor channels_last(const at::Tensor& tensor) {
  return tensor.movedim(1, -1);
}

std::size_t bytes_of(const std::vector<std::int64_t>& shape) {
  std::size_t bytes = sizeof(float);
  for (const std::int64_t side : shape)
    bytes *= static_cast<std::size_t>(side);
  return bytes;
}

void check_size(const TileSplitter& splitter) {
  const std::size_t bytes = bytes_of(splitter.result_shape());
  if (bytes <= kMaxResultBytes) return;
  throw Error(ErrorCode::kResourceExhausted,
              "The result would have " + std::to_string(bytes >> 20) + " MiB; at most " +
                  std::to_string(kMaxResultBytes >> 20) + " are made.");
}

// The tiles from the first one on that run together.
std::span<const Tile> wave_of(const TileSplitter& splitter, std::size_t first) {
  const std::span<const Tile> rest = std::span(splitter.tiles()).subspan(first);
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < rest.size() && (bytes < kWaveBytes || count < kSmallestWave)) {
    bytes += bytes_of(splitter.result_shape(rest[count]));
    ++count;
  }
  return rest.first(count);
}

UnitTask make_task(UnitExecutor& units, ModelId model, const TileKind& kind, const at::Tensor& tile,
                   std::size_t output_bytes) {
  SharedTensor shared = share(units.inputs(), kind.takes_picture ? channels_last(tile) : tile);
  UnitTask task;
  task.unit = kind.make(model, std::move(shared.handle));
  if (shared.block) task.inputs.push_back(std::move(shared.block));
  task.output_bytes = output_bytes;
  return task;
}

at::Tensor read_tile(const TileKind& kind, const UnitOutcome& outcome,
                     std::vector<std::int64_t> shape) {
  if (kind.gives_picture) shape = {shape[0], shape[2], shape[3], shape[1]};
  const at::Tensor result = read_result(kind.result(outcome.result), outcome.output.get(), shape);
  return kind.gives_picture ? result.movedim(-1, 1) : result;
}

}  // namespace

const TileKind kDecodeTile = {[](ModelId model, TensorHandle tile) -> Unit {
                                return DecodeLatent{model, std::move(tile), true};
                              },
                              [](const UnitResult& result) -> const TensorHandle& {
                                return std::get<DecodeLatentResult>(result).image;
                              },
                              false, true};

const TileKind kEncodeTile = {[](ModelId model, TensorHandle tile) -> Unit {
                                return EncodeImage{model, std::move(tile)};
                              },
                              [](const UnitResult& result) -> const TensorHandle& {
                                return std::get<EncodeImageResult>(result).latent;
                              },
                              true, false};

const TileKind kUpscaleTile = {[](ModelId model, TensorHandle tile) -> Unit {
                                 return UpscaleTile{model, std::move(tile)};
                               },
                               [](const UnitResult& result) -> const TensorHandle& {
                                 return std::get<UpscaleTileResult>(result).image;
                               },
                               true, true};

at::Tensor run_tiles(UnitExecutor& units, ModelId model, const TileKind& kind,
                     const at::Tensor& input, const TileSplitter& splitter) {
  check_size(splitter);
  TileMerger merger(splitter);
  std::size_t done = 0;
  while (done < splitter.tiles().size()) {
    const std::span<const Tile> wave = wave_of(splitter, done);
    std::vector<UnitTask> tasks;
    for (const Tile& tile : wave) {
      tasks.push_back(make_task(units, model, kind, TileSplitter::cut(input, tile),
                                bytes_of(splitter.result_shape(tile))));
    }
    const std::vector<UnitOutcome> outcomes = units.run(std::move(tasks));
    for (std::size_t i = 0; i < wave.size(); ++i)
      merger.add(read_tile(kind, outcomes[i], splitter.result_shape(wave[i])));
    done += wave.size();
  }
  return merger.take();
}

}  // namespace tandem::coordinator
