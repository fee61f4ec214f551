// One copy of converted weights for all workers of this machine: the first worker that loads a part
// converts it, the others wait and map what it made. A state machine that holds the descriptors and
// sends nothing itself.
#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "ipc/fd.hpp"
#include "protocol/ids.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

class WeightShares {
 public:
  using Part = std::pair<ModelId, ModelPart>;

  // True: the worker loads the part now, with copies() if there are any. False: it waits until a
  // call below names it.
  bool may_load(WorkerId worker, const Part& part);
  // Of a part that was loaded once; empty where nothing had to be converted.
  std::vector<ipc::Fd> copies(const Part& part) const;

  // `made` came with the worker's answer. Returns the workers that load the part now.
  std::vector<WorkerId> loaded(WorkerId worker, const Part& part, std::vector<ipc::Fd> made);
  // The worker's load came to nothing. Returns the worker that makes the copies in its place.
  std::vector<WorkerId> failed(WorkerId worker, const Part& part);
  // The same for all that the worker was to load or waits for, with the part that each now loads.
  std::vector<std::pair<WorkerId, Part>> exited(WorkerId worker);

  // No worker holds the part any more: the next one that loads it makes the copies.
  void drop(const Part& part);

 private:
  struct Share {
    WorkerId maker;  // while it converts
    bool made = false;
    std::vector<ipc::Fd> copies;
    std::deque<WorkerId> waiting;
  };

  std::map<Part, Share> shares_;
};

}  // namespace tandem::coordinator
