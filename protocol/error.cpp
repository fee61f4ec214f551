#include "protocol/error.hpp"

#include <array>

namespace tandem {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view name;
  Fault fault;
  bool retryable;
};

constexpr std::array kCodes = {
    CodeRow{ErrorCode::kBadFrame, "bad_frame", Fault::kRequest, false},
    CodeRow{ErrorCode::kUnsupportedVersion, "unsupported_version", Fault::kRequest, false},
    CodeRow{ErrorCode::kBadRequest, "bad_request", Fault::kRequest, false},
    CodeRow{ErrorCode::kUnknownKey, "unknown_key", Fault::kRequest, false},
    CodeRow{ErrorCode::kOutOfRange, "out_of_range", Fault::kRequest, false},
    CodeRow{ErrorCode::kUnsupported, "unsupported", Fault::kRequest, false},
    CodeRow{ErrorCode::kMissingFile, "missing_file", Fault::kRequest, false},
    CodeRow{ErrorCode::kBadCheckpoint, "bad_checkpoint", Fault::kRequest, false},
    CodeRow{ErrorCode::kUnknownFamily, "unknown_family", Fault::kRequest, false},
    CodeRow{ErrorCode::kMissingTensor, "missing_tensor", Fault::kRequest, false},
    CodeRow{ErrorCode::kBadShape, "bad_shape", Fault::kRequest, false},
    CodeRow{ErrorCode::kUnsealedMemory, "unsealed_memory", Fault::kRequest, false},
    CodeRow{ErrorCode::kOutOfMemory, "out_of_memory", Fault::kContext, true},
    CodeRow{ErrorCode::kNotFinite, "not_finite", Fault::kContext, false},
    CodeRow{ErrorCode::kCancelled, "cancelled", Fault::kRequest, false},
    CodeRow{ErrorCode::kWorkerLost, "worker_lost", Fault::kDevice, true},
    CodeRow{ErrorCode::kNoWorker, "no_worker", Fault::kService, true},
    CodeRow{ErrorCode::kQuota, "quota", Fault::kRequest, true},
    CodeRow{ErrorCode::kResourceExhausted, "resource_exhausted", Fault::kService, true},
    CodeRow{ErrorCode::kNotFound, "not_found", Fault::kRequest, false},
    CodeRow{ErrorCode::kInternal, "internal", Fault::kService, false},
};

const CodeRow& row(ErrorCode code) {
  return kCodes.at(static_cast<std::size_t>(code));
}

}  // namespace

std::string_view name(ErrorCode code) {
  return row(code).name;
}

std::string_view name(Fault fault) {
  constexpr std::array<std::string_view, 4> kNames = {"request", "context", "device", "service"};
  return kNames.at(static_cast<std::size_t>(fault));
}

std::optional<ErrorCode> find_error_code(std::string_view name) {
  for (const CodeRow& r : kCodes) {
    if (r.name == name) return r.code;
  }
  return std::nullopt;
}

bool is_retryable(ErrorCode code) {
  return row(code).retryable;
}

Fault fault_of(ErrorCode code) {
  return row(code).fault;
}

}  // namespace tandem
