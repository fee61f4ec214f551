#include "coordinator/workers/budget_list.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr std::array kUnits = {Unit{"B", 1.0}, Unit{"KiB", 0x1p10}, Unit{"MiB", 0x1p20},
                               Unit{"GiB", 0x1p30}, Unit{"TiB", 0x1p40}};
constexpr double kMostBytes = 0x1p53;

[[noreturn]] void refuse(ErrorCode code, std::string_view item, const std::string& why) {
  throw Error(code, "Budget '" + std::string(item) + "': " + why,
              "Budgets are written 8GiB or cpu=8GiB,gpu:0=20GiB.");
}

std::uint64_t parse_size(std::string_view text, std::string_view item) {
  double number = 0.0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : kUnits) {
    if (error != std::errc() || unit.name != name || !std::isfinite(number)) continue;
    if (std::signbit(number)) break;
    const double bytes = number * unit.bytes;
    if (bytes > kMostBytes) refuse(ErrorCode::kOutOfRange, item, "it is too large.");
    return static_cast<std::uint64_t>(bytes);
  }
  refuse(ErrorCode::kBadRequest, item,
         "expected a number with B, KiB, MiB, GiB or TiB, found '" + std::string(text) + "'.");
}

}  // namespace

std::optional<std::uint64_t> BudgetList::of(const std::string& device) const {
  const auto it = devices.find(device);
  return it == devices.end() ? every : it->second;
}

BudgetList parse_budget_list(std::string_view list) {
  BudgetList budgets;
  while (true) {
    const auto comma = list.find(',');
    const std::string_view item = list.substr(0, comma);
    const auto equals = item.find('=');
    bool is_first = false;
    if (equals == std::string_view::npos) {
      is_first = !budgets.every;
      budgets.every = parse_size(item, item);
    } else {
      const std::string device(item.substr(0, equals));
      if (device.empty()) refuse(ErrorCode::kBadRequest, item, "the device is missing.");
      is_first = budgets.devices.emplace(device, parse_size(item.substr(equals + 1), item)).second;
    }
    if (!is_first) refuse(ErrorCode::kBadRequest, item, "it is given twice.");
    if (comma == std::string_view::npos) return budgets;
    list = list.substr(comma + 1);
  }
}

void check_budgets(const BudgetList& budgets, const std::vector<WorkerSpec>& workers) {
  for (const auto& budget : budgets.devices) {
    const std::string& device = budget.first;
    const auto is_on = [&](const WorkerSpec& worker) { return worker.place() == device; };
    if (device == "cpu" || std::ranges::any_of(workers, is_on)) continue;
    refuse(ErrorCode::kBadRequest, device, "the service has no such device.");
  }
}

}  // namespace tandem::coordinator
