#include "models/checkpoint/weights.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

std::string text_of(at::IntArrayRef shape) {
  std::string text = "(";
  for (const std::int64_t size : shape) {
    if (text.size() > 1) text += ", ";
    text += size < 0 ? "any" : std::to_string(size);
  }
  return text + ")";
}

bool fits(at::IntArrayRef found, at::IntArrayRef expected) {
  return found.size() == expected.size() &&
         std::equal(found.begin(), found.end(), expected.begin(),
                    [](std::int64_t f, std::int64_t e) { return e < 0 || f == e; });
}

}  // namespace

bool is_weight_type(at::ScalarType type) {
  return type == at::kFloat || type == at::kHalf || type == at::kBFloat16 || type == at::kDouble;
}

struct Weights::Table {
  TensorMap tensors;
  TensorMap loaded;  // in the compute type, on the device
  std::set<std::string, std::less<>> used;
  std::uint64_t bytes_loaded = 0;
};

Weights::Weights(TensorMap tensors, LoadOptions options)
    : table_(std::make_shared<Table>()), options_(options) {
  table_->tensors = std::move(tensors);
}

Weights Weights::under(std::string_view prefix) const {
  Weights view = *this;
  view.prefix_ = full_name(prefix);
  view.omitted_.clear();
  return view;
}

Weights Weights::without(std::string_view part) const {
  Weights view = *this;
  view.omitted_ = part;
  return view;
}

Weights Weights::with(std::shared_ptr<const TensorMap> replaced) const {
  Weights view = *this;
  view.replaced_ = std::move(replaced);
  return view;
}

const at::Tensor* Weights::find_replaced(const std::string& full_name) const {
  if (!replaced_) return nullptr;
  const auto found = replaced_->find(full_name);
  return found != replaced_->end() ? &found->second : nullptr;
}

std::string Weights::full_name(std::string_view name) const {
  const bool omitted = !omitted_.empty() && name.starts_with(omitted_);
  return prefix_ + std::string(omitted ? name.substr(omitted_.size()) : name);
}

std::optional<at::Tensor> Weights::find(std::string_view name) const {
  const std::string full = full_name(name);
  const auto found = table_->tensors.find(full);
  if (found == table_->tensors.end()) return std::nullopt;
  table_->used.insert(found->first);
  const at::Tensor* replaced = find_replaced(full);
  return replaced != nullptr ? *replaced : found->second;
}

at::Tensor Weights::at(std::string_view name) const {
  if (std::optional<at::Tensor> tensor = find(name)) return *std::move(tensor);
  throw Error(ErrorCode::kMissingTensor, "The checkpoint has no tensor '" + full_name(name) + "'.",
              "The file may be incomplete, or of a variant of its family that is not known.");
}

bool Weights::contains(std::string_view name) const {
  return table_->tensors.contains(full_name(name));
}

at::Tensor Weights::load(std::string_view name) const {
  const std::string full = full_name(name);
  const at::Tensor stored = at(name);
  if (find_replaced(full) != nullptr) return stored;
  if (const auto known = table_->loaded.find(full); known != table_->loaded.end()) {
    return known->second;
  }
  if (!is_weight_type(stored.scalar_type())) {
    throw Error(ErrorCode::kUnsupported,
                "Tensor '" + full + "' is stored as " + c10::toString(stored.scalar_type()) +
                    "; weights have to be stored as fp32, fp16, bf16 or fp64.");
  }
  // Moved as it is stored, and converted there.
  at::Tensor loaded = stored.to(options_.device).to(options_.compute);
  if (options_.channels_last && loaded.dim() == 4) {
    loaded = loaded.contiguous(at::MemoryFormat::ChannelsLast);
  }
  table_->bytes_loaded += loaded.nbytes();
  table_->loaded.emplace(full, loaded);
  return loaded;
}

at::Tensor Weights::load(std::string_view name, std::initializer_list<std::int64_t> shape) const {
  const at::IntArrayRef expected(shape.begin(), shape.size());
  const at::Tensor stored = at(name);
  if (!fits(stored.sizes(), expected)) {
    throw Error(ErrorCode::kBadShape, "Tensor '" + full_name(name) + "' should have shape " +
                                          text_of(expected) + ", it has " +
                                          text_of(stored.sizes()) + ".");
  }
  return load(name);
}

std::optional<at::Tensor> Weights::try_load(std::string_view name,
                                            std::initializer_list<std::int64_t> shape) const {
  if (!contains(name)) return std::nullopt;
  return load(name, shape);
}

std::vector<std::string> Weights::names() const {
  std::vector<std::string> names;
  const TensorMap& tensors = table_->tensors;
  for (auto it = tensors.lower_bound(prefix_);
       it != tensors.end() && it->first.starts_with(prefix_); ++it) {
    names.push_back(it->first.substr(prefix_.size()));
  }
  return names;
}

std::vector<std::string> Weights::unused() const {
  std::vector<std::string> unused = names();
  std::erase_if(unused,
                [&](const std::string& name) { return table_->used.contains(prefix_ + name); });
  return unused;
}

std::uint64_t Weights::bytes_loaded() const {
  return table_->bytes_loaded;
}

}  // namespace tandem::models
