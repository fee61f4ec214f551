// Tensors as a plug-in sees them: plain memory of the CPU, row-major without gaps. No library of
// tensors is needed to use them, and any can be put over them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem::plugin {

// Half precision and 8-bit floats have no type in C++20: their bytes are there for who knows them.
enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool,
  kF8E4M3,
  kF8E5M2
};

// Bytes of one element.
constexpr std::size_t size_of(DType dtype) {
  constexpr std::size_t kSizes[] = {4, 2, 2, 8, 8, 4, 2, 1, 1, 1, 1, 1};
  return kSizes[static_cast<std::size_t>(dtype)];
}

namespace detail {
template <class T>
struct DTypeOf;  // no value: not an element type that has one in C++
template <DType kDType>
struct Is {
  static constexpr DType value = kDType;
};
template <>
struct DTypeOf<float> : Is<DType::kF32> {};
template <>
struct DTypeOf<double> : Is<DType::kF64> {};
template <>
struct DTypeOf<std::int64_t> : Is<DType::kI64> {};
template <>
struct DTypeOf<std::int32_t> : Is<DType::kI32> {};
template <>
struct DTypeOf<std::int16_t> : Is<DType::kI16> {};
template <>
struct DTypeOf<std::int8_t> : Is<DType::kI8> {};
template <>
struct DTypeOf<std::uint8_t> : Is<DType::kU8> {};
template <>
struct DTypeOf<bool> : Is<DType::kBool> {};
}  // namespace detail

// What a tensor's bytes mean. At most 8 dimensions, none negative.
struct Layout {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;

  std::size_t elements() const {
    std::size_t count = 1;
    for (const std::int64_t size : shape)
      count *= static_cast<std::size_t>(size);
    return count;
  }
  std::size_t bytes() const { return elements() * size_of(dtype); }

  bool operator==(const Layout&) const = default;
};

// Somebody else's tensor; valid as long as the call lasts that was given it.
template <class Byte>
struct BasicView {
  Layout layout;
  Byte* data = nullptr;

  // Throws std::invalid_argument where the elements are of another type.
  template <class T>
  auto values() const {
    using Element = std::conditional_t<std::is_const_v<Byte>, const T, T>;
    if (detail::DTypeOf<T>::value != layout.dtype)
      throw std::invalid_argument("a tensor has elements of another type than expected");
    return std::span<Element>(reinterpret_cast<Element*>(data), layout.elements());
  }
};
using TensorView = BasicView<const std::byte>;
using MutableTensorView = BasicView<std::byte>;

// A tensor of its own, zeros at first.
class Tensor {
 public:
  Tensor() : Tensor(Layout{DType::kF32, {0}}) {}
  explicit Tensor(Layout layout) : layout_(std::move(layout)), bytes_(layout_.bytes()) {}
  explicit Tensor(const TensorView& view)
      : layout_(view.layout), bytes_(view.data, view.data + view.layout.bytes()) {}

  const Layout& layout() const { return layout_; }
  TensorView view() const { return {layout_, bytes_.data()}; }
  MutableTensorView view() { return {layout_, bytes_.data()}; }
  template <class T>
  auto values() const {
    return view().values<T>();
  }
  template <class T>
  auto values() {
    return view().values<T>();
  }

 private:
  Layout layout_;
  std::vector<std::byte> bytes_;
};

template <class T>
struct Named {
  std::string name;
  T value;
};
using NamedView = Named<TensorView>;
using NamedOutput = Named<MutableTensorView>;
using NamedTensor = Named<Tensor>;
using NamedLayout = Named<Layout>;

}  // namespace tandem::plugin
