#include "coordinator/workers/weight_shares.hpp"

#include <algorithm>
#include <iterator>

namespace tandem::coordinator {

bool WeightShares::may_load(WorkerId worker, const Part& part) {
  Share& share = shares_[part];
  if (share.made || share.maker == worker) return true;
  if (share.maker == WorkerId{}) {
    share.maker = worker;
    return true;
  }
  share.waiting.push_back(worker);
  return false;
}

std::vector<ipc::Fd> WeightShares::copies(const Part& part) const {
  std::vector<ipc::Fd> copies;
  const auto it = shares_.find(part);
  if (it == shares_.end()) return copies;
  for (const ipc::Fd& fd : it->second.copies)
    copies.push_back(fd.duplicate());
  return copies;
}

std::vector<WorkerId> WeightShares::loaded(WorkerId worker, const Part& part,
                                           std::vector<ipc::Fd> made) {
  const auto it = shares_.find(part);
  if (it == shares_.end() || it->second.maker != worker) return {};
  Share& share = it->second;
  share.maker = {};
  share.made = true;
  share.copies = std::move(made);
  std::vector<WorkerId> next(share.waiting.begin(), share.waiting.end());
  share.waiting.clear();
  return next;
}

std::vector<WorkerId> WeightShares::failed(WorkerId worker, const Part& part) {
  const auto it = shares_.find(part);
  if (it == shares_.end() || it->second.maker != worker) return {};
  Share& share = it->second;
  share.maker = {};
  if (share.waiting.empty()) {
    shares_.erase(it);
    return {};
  }
  share.maker = share.waiting.front();
  share.waiting.pop_front();
  return {share.maker};
}

std::vector<std::pair<WorkerId, WeightShares::Part>> WeightShares::exited(WorkerId worker) {
  std::vector<Part> making;
  for (auto& [part, share] : shares_) {
    std::erase(share.waiting, worker);
    if (share.maker == worker) making.push_back(part);
  }
  std::vector<std::pair<WorkerId, Part>> next;
  for (const Part& part : making) {
    for (const WorkerId maker : failed(worker, part))
      next.emplace_back(maker, part);
  }
  return next;
}

void WeightShares::drop(const Part& part) {
  const auto it = shares_.find(part);
  if (it != shares_.end() && it->second.made) shares_.erase(it);
}

}  // namespace tandem::coordinator
