// Sizes and names of an RRDBNet, the network of the ESRGAN family (Wang et al. 2018).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tandem::models {

// How a checkpoint calls the layers.
enum class RrdbNaming : std::uint8_t {
  kSequential,  // "model.1.sub.0.RDB1.conv1.0": ESRGAN's first release, most community models
  kTrunk,       // "RRDB_trunk.0.RDB1.conv1": ESRGAN's later code, BSRGAN
  kBody,        // "body.0.rdb1.conv1": BasicSR, Real-ESRGAN
};

struct RrdbConfig {
  RrdbNaming naming = RrdbNaming::kBody;
  std::int64_t num_filters = 64;
  std::int64_t num_blocks = 23;
  std::int64_t growth = 32;    // channels that each convolution of a dense block adds
  std::int64_t upsamples = 2;  // each doubles both sides
  std::int64_t unshuffle = 1;  // sides are divided by it first (Real-ESRGAN's x2 and x1)

  // Pixels of a side that one becomes.
  std::int64_t scale() const { return (std::int64_t{1} << upsamples) / unshuffle; }
  bool operator==(const RrdbConfig&) const = default;
};

// Names of the layers, without ".weight".
struct RrdbNames {
  explicit RrdbNames(const RrdbConfig& config);

  // Convolution 1 to 5 of dense block 1 to 3 of a block.
  std::string dense(std::int64_t block, int rdb, int conv) const;

  RrdbNaming naming;
  std::string first, trunk, hr, last;
  std::vector<std::string> ups;
};

// One 3 x 3 convolution.
struct RrdbLayer {
  std::string name;
  std::int64_t in = 0, out = 0;
};

// All of them.
std::vector<RrdbLayer> rrdb_layers(const RrdbConfig& config);

// The channels of a dense block's convolution 1 to 5.
std::int64_t dense_in(const RrdbConfig& config, int conv);
std::int64_t dense_out(const RrdbConfig& config, int conv);

inline constexpr std::int64_t kRrdbColours = 3;
inline constexpr int kRdbsOfBlock = 3;
inline constexpr int kConvsOfRdb = 5;

}  // namespace tandem::models
