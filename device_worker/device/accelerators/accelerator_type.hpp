// What is asked of one type of accelerator that LibTorch knows. THE list of types is in
// accelerator_types.cpp: a new one is a row there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/detail/AcceleratorHooksInterface.h>
#include <c10/core/DeviceType.h>

namespace tandem::worker {

// Whatever a function throws is told in the type's row; none of them makes a context on a device.
struct AcceleratorType {
  c10::DeviceType type = c10::DeviceType::CPU;
  std::function<std::string()> name;  // LibTorch's
  // Brings LibTorch's half of it into the process. Empty: LibTorch has it, or has it not.
  std::function<void()> load = {};
  std::function<bool()> is_built;
  std::function<const at::AcceleratorHooksInterface&()> hooks;
  std::string backend = {};  // the kind of worker that computes on it; empty: there is none
  // What the device at a position is called; empty: nobody tells.
  std::function<std::string(int position)> description = {};
};

// In the order in which they are told.
std::vector<AcceleratorType> accelerator_types();

}  // namespace tandem::worker
