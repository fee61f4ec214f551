// A plug-in's hook as it travels with a cond.
#pragma once

#include <string>

namespace tandem {

struct PluginHook {
  std::string point;    // the hook's type in the job: "wrapper"
  std::string plugin;   // its name
  std::string options;  // JSON object, or empty

  bool operator==(const PluginHook&) const = default;
};

}  // namespace tandem
