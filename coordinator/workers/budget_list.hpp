// The LIST of `--budget`: how many bytes of weights the devices may hold.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/workers/device_list.hpp"

namespace tandem::coordinator {

struct BudgetList {
  std::optional<std::uint64_t> every;            // of devices that are not named
  std::map<std::string, std::uint64_t> devices;  // "cpu", "gpu:0"

  std::optional<std::uint64_t> of(const std::string& device) const;

  bool operator==(const BudgetList&) const = default;
};

// "8GiB" for every device, "cpu=8GiB,gpu:0=20GiB", or both: "8GiB,gpu:0=20GiB". A size is a number
// with B, KiB, MiB, GiB or TiB. Throws kBadRequest for what can't be read or comes twice,
// kOutOfRange for more than 2^53 bytes; each names the item.
BudgetList parse_budget_list(std::string_view list);

// Throws kBadRequest for a device that is neither of a worker nor "cpu", which may be started
// later.
void check_budgets(const BudgetList& budgets, const std::vector<WorkerSpec>& workers);

}  // namespace tandem::coordinator
