// Kinds of work units from a plug-in: split in the coordinator, run by workers, merged in the
// coordinator.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <tandem/plugin_options.hpp>
#include <tandem/plugin_tensor.hpp>

namespace tandem::plugin {

// What a job asks for: its "plugin" object. The tensors are those that it names, in its order.
struct Request {
  const Options& options;
  std::vector<NamedView> tensors;
};

// One unit of work. The layouts of its results are fixed when it is made, so that there is room for
// them before it runs.
struct Work {
  std::string options;  // JSON object; empty: the job's
  std::vector<NamedTensor> inputs;
  std::vector<NamedLayout> outputs;
};

// A unit in a worker. Outputs are zeros until they are written.
struct WorkView {
  const Options& options;
  std::vector<NamedView> inputs;
  std::vector<NamedOutput> outputs;
};

// The outputs of one unit.
using WorkResult = std::vector<NamedView>;

// Functions are pure: the result of a job must not depend on which worker ran what, or when, and a
// unit may be run again. They throw std::invalid_argument for what the job does wrong, and any
// other std::exception for what went wrong with them.
class UnitKind {
 public:
  virtual ~UnitKind() = default;

  // When the job arrives: its options, and the layouts of its tensors (their data is not there).
  virtual void check(const Request& request) const = 0;

  // In canonical order. The number of workers is not told: it must not change the result.
  virtual std::vector<Work> split(const Request& request) const = 0;

  // In a worker. Results must be finite.
  virtual void run(const WorkView& work) const = 0;

  // The job's output from the results, which are in the order of split's units. Names differ.
  virtual std::vector<NamedTensor> merge(const Request& request,
                                         std::span<const WorkResult> results) const = 0;
};

// A row of a plug-in's table of unit kinds. The kind lives as long as the plug-in.
struct UnitKindRow {
  std::string name;
  const UnitKind* kind = nullptr;
};

}  // namespace tandem::plugin
