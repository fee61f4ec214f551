// What coordinator and workers say to each other. Worker protocol version: kWorkerProtocolVersion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/cond_data.hpp"
#include "protocol/error.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/ids.hpp"
#include "protocol/model_spec.hpp"
#include "protocol/slab_offer.hpp"
#include "protocol/transport.hpp"
#include "protocol/unit.hpp"

namespace tandem {

inline constexpr std::uint16_t kWorkerProtocolVersion = 4;

// ---- coordinator to worker ----

// The frame carries one descriptor: a sealed memfd to be mapped until the process ends.
struct AttachSegment {
  SegmentId segment;
  std::uint64_t bytes = 0;
  bool writable = false;                   // inputs are mapped read-only
  std::optional<std::uint64_t> twin = {};  // where its bytes lie in the slab, if they may

  bool operator==(const AttachSegment&) const = default;
};

// The files are as the coordinator saw them; a worker that finds others there refuses to load the
// model. The frame may carry descriptors: the part's converted weights, as another worker made
// them.
struct LoadModel {
  ModelId model;
  ModelSpec spec;
  std::vector<FileStamp> files;
  ModelPart part = ModelPart::kUnet;

  bool operator==(const LoadModel&) const = default;
};

// Sent for a part that no unit uses. There is no answer.
struct UnloadModel {
  ModelId model;
  ModelPart part = ModelPart::kUnet;

  bool operator==(const UnloadModel&) const = default;
};

// The worker copies the tensors before it reads its next message.
struct PutConstant {
  ConstantId constant;
  CondData cond;

  bool operator==(const PutConstant&) const = default;
};

// The frame carries one descriptor: a sealed memfd with a safetensors file, which units name by the
// stamp until the constant is dropped.
struct PutFile {
  ConstantId constant;
  FileStamp stamp;

  bool operator==(const PutFile&) const = default;
};

struct DropConstants {
  std::vector<ConstantId> constants;

  bool operator==(const DropConstants&) const = default;
};

// Room for a result in a writable segment.
struct OutputSlot {
  SegmentId segment;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;  // 0: no slot, the result travels in the message

  bool operator==(const OutputSlot&) const = default;
};

// A unit whose tensors may travel through the slab: those of segments that have a twin.
struct SlabTurn {
  std::uint32_t turn = 0;  // below kSlabTurns
  bool result = false;     // the output's twin may be written

  bool operator==(const SlabTurn&) const = default;
};

struct RunUnit {
  UnitId unit_id;
  Generation generation;
  Unit unit;
  OutputSlot output;
  std::optional<SlabTurn> slab = {};

  bool operator==(const RunUnit&) const = default;
};

struct Shutdown {
  bool operator==(const Shutdown&) const = default;
};

// To be imported and checked, once; SlabAttached answers.
struct AttachSlab {
  SlabOffer offer;

  bool operator==(const AttachSlab&) const = default;
};

using ToWorker = std::variant<AttachSegment, LoadModel, UnloadModel, PutConstant, DropConstants,
                              RunUnit, Shutdown, AttachSlab, PutFile>;

// ---- worker to coordinator ----

// The exit status of a worker whose device is not there: it need not be started again.
inline constexpr int kExitNoDevice = 69;

struct WorkerHello {
  std::uint16_t protocol = kWorkerProtocolVersion;
  std::int64_t pid = 0;
  std::string device;       // "cpu", "gpu:0", "sim"
  std::string description;  // for people: the processor's name
  std::int32_t threads = 1;
  bool has_bfloat16 = true;        // computes in it without emulation
  std::uint64_t memory_total = 0;  // bytes
  std::uint64_t memory_free = 0;   // of the device's own memory, also below; 0: it has none
  Transport transport = Transport::kSharedMemory;

  bool operator==(const WorkerHello&) const = default;
};

// The frame carries descriptors where weights were converted that others may share: memfds sealed
// once they were whole, opened read-only.
struct ModelLoaded {
  ModelId model;
  ModelPart part = ModelPart::kUnet;
  std::uint64_t bytes = 0;  // of the part's weights, mapped and copied
  double seconds = 0.0;
  std::uint64_t memory_free = 0;

  bool operator==(const ModelLoaded&) const = default;
};

struct ModelFailed {
  ModelId model;
  ModelPart part = ModelPart::kUnet;
  Failure failure;

  bool operator==(const ModelFailed&) const = default;
};

struct UnitDone {
  UnitId unit_id;
  Generation generation;
  UnitResult result;
  double seconds = 0.0;  // of the computation alone
  bool in_slab = false;  // the result's bytes lie in the output's twin

  bool operator==(const UnitDone&) const = default;
};

struct UnitFailed {
  UnitId unit_id;
  Generation generation;
  Failure failure;

  bool operator==(const UnitFailed&) const = default;
};

struct SlabAttached {
  std::string failure;  // why it can't be used; empty: the check passed

  bool operator==(const SlabAttached&) const = default;
};

using FromWorker =
    std::variant<WorkerHello, ModelLoaded, ModelFailed, UnitDone, UnitFailed, SlabAttached>;

}  // namespace tandem
