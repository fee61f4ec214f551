// The tensors of a checkpoint by name: what every layer is built from.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace tandem::models {

// Where and in what type a network computes; its layers hold their weights in this form.
struct LoadOptions {
  at::Device device = at::kCPU;
  at::ScalarType compute = at::kFloat;
  bool channels_last = false;  // the memory format of four-dimensional weights
};

// The types that weights may be stored in; whole numbers and fp8 are not among them.
bool is_weight_type(at::ScalarType type);

using TensorMap = std::map<std::string, at::Tensor, std::less<>>;

// A view of a checkpoint's tensors below a prefix. Cheap to copy; all copies share the tensors,
// what was converted of them, and the record of which were used: a second network over the same
// weights costs no memory for them. A network's constructor runs on one thread, so does this.
class Weights {
 public:
  // The tensors must not be written to: they may lie in a file mapped read-only.
  explicit Weights(TensorMap tensors, LoadOptions options = {});

  // The tensors whose names begin with `prefix`, named without it. A prefix of whole name parts
  // ends in a dot: under("model.diffusion_model.").
  Weights under(std::string_view prefix) const;
  // The same tensors for checkpoints that leave out a part of the names: a name that begins with
  // `part` is looked up without it.
  Weights without(std::string_view part) const;

  // The same tensors but for those in `replaced`, by full name and in the form in which load()
  // gives them: how a patched network is built beside the one of the checkpoint.
  Weights with(std::shared_ptr<const TensorMap> replaced) const;

  // The tensor as stored. find_x: absent is an answer; at: throws kMissingTensor with the full
  // name.
  std::optional<at::Tensor> find(std::string_view name) const;
  at::Tensor at(std::string_view name) const;
  bool contains(std::string_view name) const;

  // The tensor in the compute type on the device: the stored one itself where nothing has to be
  // converted, otherwise a copy. Throws kMissingTensor; kBadShape where `shape` is given (a size of
  // -1 means any) and the tensor has another; kUnsupported for whole numbers and fp8.
  at::Tensor load(std::string_view name) const;
  at::Tensor load(std::string_view name, std::initializer_list<std::int64_t> shape) const;
  std::optional<at::Tensor> try_load(std::string_view name,
                                     std::initializer_list<std::int64_t> shape) const;

  const LoadOptions& options() const { return options_; }
  // The full name in the checkpoint, for messages.
  std::string full_name(std::string_view name) const;

  // Names below this view's prefix, without it, sorted: all of them, and those never asked for.
  std::vector<std::string> names() const;
  std::vector<std::string> unused() const;
  // Bytes of what load() gave below any prefix: copies and tensors used in place.
  std::uint64_t bytes_loaded() const;

 private:
  struct Table;

  // nullptr where nothing takes the tensor's place.
  const at::Tensor* find_replaced(const std::string& full_name) const;

  std::shared_ptr<Table> table_;
  std::shared_ptr<const TensorMap> replaced_;
  std::string prefix_;
  std::string omitted_;
  LoadOptions options_;
};

}  // namespace tandem::models
