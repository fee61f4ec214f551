#include "models/patches/delta_names.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace tandem::models {
namespace {

const std::vector<DeltaNames>& table() {
  using enum DeltaFormat;
  static const std::vector<DeltaNames> kTable = {
      // up, down, middle
      {kLora, {".lora_up.weight", ".lora_down.weight", ".lora_mid.weight"}},
      {kLora, {"_lora.up.weight", "_lora.down.weight"}},
      {kLora, {".lora_B.weight", ".lora_A.weight"}},
      {kLora, {".lora.up.weight", ".lora.down.weight"}},
      {kLora, {".lora_B", ".lora_A"}},
      {kLora, {".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"}},
      {kLora, {".lora_B.default.weight", ".lora_A.default.weight"}},
      {kLoha, {".hada_w1_a", ".hada_w1_b", ".hada_w2_a", ".hada_w2_b", ".hada_t1", ".hada_t2"}},
      {kLokr,
       {".lokr_w1", ".lokr_w2", ".lokr_w1_a", ".lokr_w2_a", ".lokr_w1_b", ".lokr_w2_b", ".lokr_t2"},
       4},
      {kGlora, {".a1.weight", ".a2.weight", ".b1.weight", ".b2.weight"}},
      {kOft, {".oft_blocks", ".rescale"}},
      {kDiff, {".w_norm"}},
      {kDiff, {".b_norm"}, 1, true},
      {kDiff, {".diff"}},
      {kDiff, {".diff_b"}, 1, true},
      {kSet, {".set_weight"}},
  };
  return kTable;
}

constexpr std::array kShared = {kAlpha, kDoraScale, kReshape};

// Calls visit(row, weight's name) for every row that a tensor's name shows.
template <class Visit>
void visit_rows(std::string_view tensor, Visit visit) {
  for (const DeltaNames& row : table()) {
    for (std::size_t i = 0; i < row.marks; ++i) {
      if (!tensor.ends_with(row.endings[i])) continue;
      visit(row, tensor.substr(0, tensor.size() - row.endings[i].size()));
    }
  }
}

std::optional<PatchTarget> target_of(const DeltaNames& row, PatchTarget target) {
  if (!row.of_bias) return target;
  if (target.bias.empty()) return std::nullopt;
  target.weight = std::exchange(target.bias, {});
  return target;
}

// Whether the tensor is this ending behind the name of a weight of the parts.
bool belongs(std::string_view tensor, std::string_view ending, std::span<const LoraKeys> parts) {
  if (!tensor.ends_with(ending)) return false;
  const std::string_view name = tensor.substr(0, tensor.size() - ending.size());
  return std::any_of(parts.begin(), parts.end(),
                     [&](const LoraKeys& keys) { return keys.find(name) != keys.end(); });
}

bool is_matched(std::string_view tensor, std::span<const LoraKeys> parts) {
  const auto belongs_to = [&](std::string_view ending) { return belongs(tensor, ending, parts); };
  return std::any_of(kShared.begin(), kShared.end(), belongs_to) ||
         std::any_of(table().begin(), table().end(), [&](const DeltaNames& row) {
           return std::any_of(row.endings.begin(), row.endings.end(), belongs_to);
         });
}

}  // namespace

std::span<const DeltaNames> delta_names() {
  return table();
}

std::map<DeltaPlace, NamedDelta> find_deltas(const std::vector<std::string>& tensors,
                                             const LoraKeys& keys) {
  std::map<DeltaPlace, NamedDelta> deltas;
  for (const std::string& tensor : tensors) {
    visit_rows(tensor, [&](const DeltaNames& row, std::string_view name) {
      const auto key = keys.find(name);
      if (key == keys.end()) return;
      const auto target = target_of(row, key->second);
      if (!target) return;
      NamedDelta& delta = deltas[{target->weight, target->rows}];
      if (delta.row == nullptr || delta.row < &row) delta = {&row, std::string(name), *target};
    });
  }
  return deltas;
}

std::vector<std::string> unmatched_names(const std::vector<std::string>& tensors,
                                         std::span<const LoraKeys> parts) {
  std::vector<std::string> names = tensors;
  std::erase_if(names, [&](const std::string& tensor) { return is_matched(tensor, parts); });
  return names;
}

}  // namespace tandem::models
