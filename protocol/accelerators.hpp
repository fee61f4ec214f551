// The accelerators of a machine, as LibTorch tells of them: what `tandem-worker
// --list-accelerators` prints, the coordinator reads, and the reply to `devices` holds.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "protocol/error.hpp"

namespace tandem {

struct AcceleratorDevice {
  std::string name;              // "xpu:1"; "mps" where it has no number
  std::string description = {};  // "NVIDIA H100 80GB HBM3"; empty where LibTorch does not tell

  bool operator==(const AcceleratorDevice&) const = default;
};

// One type of accelerator that LibTorch knows.
struct Accelerator {
  std::string type = {};   // LibTorch's name: "cuda", "mps"; a private-use one's own: "npu"
  bool built = false;      // this LibTorch has its half of it
  bool available = false;  // and there is a device that it can use
  std::vector<AcceleratorDevice> devices = {};
  bool current_only = false;  // no count could be had: the current device is all that is listed
  std::string backend = {};   // the kind of worker that computes on it, "gpu"; empty: none does
  std::string reason = {};    // why nothing computes on it here; empty: it can
  std::string problem = {};   // what LibTorch said where it could not answer

  bool operator==(const Accelerator&) const = default;
};

struct AcceleratorList {
  std::string current = "cpu";  // the type that LibTorch takes; "cpu" where there is none
  std::vector<Accelerator> types = {};

  bool operator==(const AcceleratorList&) const = default;
};

inline constexpr std::size_t kMaxAcceleratorTypes = 32;
inline constexpr std::size_t kMaxAcceleratorDevices = 256;     // of a type
inline constexpr std::size_t kMaxAcceleratorNameBytes = 64;    // of a type or a device
inline constexpr std::size_t kMaxAcceleratorTextBytes = 1024;  // of the other texts

// What the text of a list begins with.
inline constexpr std::string_view kAcceleratorListBegin = R"({"current":)";

// What is empty of a description, reason or problem is left out; no back end is null.
boost::json::object to_json(const AcceleratorList& list);
// Throws kBadFrame for what is no list within the limits above, naming the key.
AcceleratorList parse_accelerators(std::string_view json);

// Whether LibTorch, ComfyUI or its nodes have an accelerator of this name: "xpu", "hip", "npu". A
// private-use one may have any other name.
bool is_accelerator_name(std::string_view name);

}  // namespace tandem
