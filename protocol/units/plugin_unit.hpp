// Unit kind: what a plug-in's own kind computes, from tensors to tensors, without a model.
#pragma once

#include <string>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct PluginInput {
  std::string name;
  TensorHandle tensor;

  bool operator==(const PluginInput&) const = default;
};

struct PluginOutput {
  std::string name;
  TensorLayout layout;

  bool operator==(const PluginOutput&) const = default;
};

struct PluginUnit {
  std::string plugin;   // its name
  std::string kind;     // of its own list
  std::string options;  // JSON object, or empty
  std::vector<PluginInput> inputs;
  std::vector<PluginOutput> outputs;

  bool operator==(const PluginUnit&) const = default;
};

struct PluginUnitResult {
  std::vector<TensorHandle> outputs;  // as the unit lists them

  bool operator==(const PluginUnitResult&) const = default;
};

}  // namespace tandem
