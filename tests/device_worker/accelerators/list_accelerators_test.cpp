#include "device_worker/device/accelerators/list_accelerators.hpp"

#include <algorithm>
#include <stdexcept>

#include <boost/json/serialize.hpp>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/device_worker/accelerators/fake_npu.hpp"

namespace tandem::worker {
namespace {

using test::NpuCount;

std::vector<std::string> names_of(const Accelerator& type) {
  std::vector<std::string> names;
  for (const AcceleratorDevice& device : type.devices)
    names.push_back(device.name);
  return names;
}

using Names = std::vector<std::string>;

// Of LibTorch's own types, with a private-use back end registered.
class LibTorchsAccelerators : public ::testing::Test {
 protected:
  void list(NpuCount count) {
    test::registered_npu().count = count;
    list_ = list_accelerators(accelerator_types());
  }

  const Accelerator& type(const std::string& name) const {
    const auto found = std::ranges::find(list_.types, name, &Accelerator::type);
    if (found == list_.types.end()) throw std::runtime_error("no row for " + name);
    return *found;
  }

  AcceleratorList list_;
};

TEST_F(LibTorchsAccelerators, APrivateUseOneIsListedUnderItsOwnName) {
  list(NpuCount::kThree);
  const Accelerator& npu = type("npu");
  EXPECT_TRUE(npu.built && npu.available);
  EXPECT_EQ(names_of(npu), (Names{"npu:0", "npu:1", "npu:2"}));
  EXPECT_FALSE(npu.current_only);
  EXPECT_EQ(npu.backend, "");
  EXPECT_EQ(npu.reason, "Tandem has no back end for npu.");
  EXPECT_EQ(npu.problem, "");
  EXPECT_EQ(list_.current, "npu");
}

TEST_F(LibTorchsAccelerators, OneWithoutACountIsTheCurrentOne) {
  list(NpuCount::kUntold);
  EXPECT_EQ(names_of(type("npu")), Names{"npu:1"});
  EXPECT_TRUE(type("npu").current_only);
  EXPECT_EQ(type("npu").problem, "");
  EXPECT_EQ(list_.current, "npu");
}

TEST_F(LibTorchsAccelerators, OneWhoseCountThrowsSaysSo) {
  list(NpuCount::kThrows);
  EXPECT_EQ(names_of(type("npu")), Names{"npu:1"});
  EXPECT_TRUE(type("npu").current_only);
  EXPECT_EQ(type("npu").problem, "deviceCount: the driver does not answer");
}

TEST_F(LibTorchsAccelerators, OneWithoutADeviceIsNotTheCurrentOne) {
  list(NpuCount::kNoDevice);
  EXPECT_TRUE(type("npu").built);
  EXPECT_FALSE(type("npu").available);
  EXPECT_TRUE(type("npu").devices.empty());
  EXPECT_EQ(list_.current, "cpu");
}

TEST_F(LibTorchsAccelerators, EveryTypeIsTold) {
  list(NpuCount::kThree);
  Names all;
  for (const Accelerator& told : list_.types)
    all.push_back(told.type);
  EXPECT_EQ(all, (Names{"cuda", "hip", "xpu", "mps", "npu", "mtia", "hpu", "xla", "maia", "ipu"}));
  EXPECT_EQ(type("cuda").backend, "gpu");
  // The module lies beside the programs, not beside this one.
  EXPECT_FALSE(type("cuda").built);
  EXPECT_NE(type("cuda").reason.find("libtandem_cuda.so"), std::string::npos);
  EXPECT_EQ(type("xpu").reason, "This LibTorch is built without xpu.");
  EXPECT_EQ(parse_accelerators(boost::json::serialize(to_json(list_))), list_);
}

// Answers as a test says; what it does not say throws.
struct Hooks : at::AcceleratorHooksInterface {
  bool isAvailable() const override { return available(); }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return false; }
  c10::DeviceIndex deviceCount() const override { return count(); }

  std::function<bool()> available = [] { return true; };
  std::function<c10::DeviceIndex()> count = []() -> c10::DeviceIndex { throw 7; };
};

class OneType : public ::testing::Test {
 protected:
  AcceleratorType row() {
    AcceleratorType row;
    row.type = c10::DeviceType::XPU;
    row.name = [] { return std::string("xpu"); };
    row.is_built = [] { return true; };
    row.hooks = [this]() -> const at::AcceleratorHooksInterface& { return hooks_; };
    return row;
  }

  static Accelerator told(const AcceleratorType& row) {
    return list_accelerators({row}).types.at(0);
  }

  Hooks hooks_;
};

TEST_F(OneType, WithoutCountAndNumberGoesByItsTypeAlone) {
  const Accelerator xpu = told(row());
  EXPECT_EQ(names_of(xpu), Names{"xpu"});
  EXPECT_TRUE(xpu.available && xpu.current_only);
  EXPECT_NE(xpu.problem.find("deviceCount: something was thrown"), std::string::npos);
  EXPECT_NE(xpu.problem.find("; getCurrentDevice: "), std::string::npos);
}

TEST_F(OneType, IsThereWhereItHasDevicesAndDoesNotSayWhetherTheyCanBeUsed) {
  hooks_.available = []() -> bool { throw std::runtime_error("not\nyet"); };
  hooks_.count = [] { return c10::DeviceIndex{2}; };
  const Accelerator xpu = told(row());
  EXPECT_EQ(names_of(xpu), (Names{"xpu:0", "xpu:1"}));
  EXPECT_TRUE(xpu.available);
  EXPECT_EQ(xpu.problem, "isAvailable: not");
}

TEST_F(OneType, IsNotThereWhereItSaysNothing) {
  hooks_.available = []() -> bool { throw std::runtime_error("no"); };
  const Accelerator xpu = told(row());
  EXPECT_FALSE(xpu.available);
  EXPECT_TRUE(xpu.devices.empty());
  EXPECT_FALSE(xpu.current_only);
}

TEST_F(OneType, TellsWhatItsDevicesAreCalled) {
  hooks_.count = [] { return c10::DeviceIndex{2}; };
  AcceleratorType named = row();
  named.backend = "gpu";
  named.description = [](int position) {
    if (position == 1) throw std::runtime_error("it fell off");
    return std::string("A Chip");
  };
  const Accelerator xpu = told(named);
  EXPECT_EQ(xpu.devices, (std::vector<AcceleratorDevice>{{"xpu:0", "A Chip"}, {"xpu:1"}}));
  EXPECT_EQ(xpu.problem, "name of a device: it fell off");
  EXPECT_EQ(xpu.reason, "");
}

TEST_F(OneType, TellsWhyItsHalfOfLibTorchIsMissing) {
  AcceleratorType missing = row();
  missing.load = [] { throw Error(ErrorCode::kNoWorker, "It is not here.", "Bring it."); };
  missing.is_built = []() -> bool { TORCH_CHECK(false, "no such library"); };
  const Accelerator xpu = told(missing);
  EXPECT_FALSE(xpu.built || xpu.available);
  EXPECT_EQ(xpu.reason, "It is not here. Bring it.");
  EXPECT_EQ(xpu.problem, "is it built: no such library");
}

TEST_F(OneType, IsTheCurrentOneWhereLibTorchTakesNoneThatIsThere) {
  test::registered_npu().count = NpuCount::kThree;  // LibTorch's choice; it has no row here
  EXPECT_EQ(list_accelerators({row()}).current, "xpu");
  hooks_.available = [] { return false; };
  EXPECT_EQ(list_accelerators({row()}).current, "cpu");
  EXPECT_EQ(list_accelerators({}).current, "cpu");
}

TEST_F(OneType, LongWordsAreCut) {
  hooks_.available = []() -> bool { throw std::runtime_error(std::string(5000, 'x')); };
  const Accelerator xpu = told(row());
  EXPECT_LE(xpu.problem.size(), kMaxAcceleratorTextBytes);
}

}  // namespace
}  // namespace tandem::worker
