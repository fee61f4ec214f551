#include "device_worker/device/accelerators/list_accelerators.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <unistd.h>

#include <ATen/DeviceAccelerator.h>
#include <boost/json/serialize.hpp>
#include <c10/util/Exception.h>

#include "protocol/json_text.hpp"

namespace tandem::worker {
namespace {

constexpr std::size_t kMaxWordsBytes = 200;                          // of LibTorch's
constexpr std::size_t kMaxTypeBytes = kMaxAcceleratorNameBytes - 8;  // a number follows it

void note(std::string& said, std::string_view asked, std::string_view words) {
  if (said.size() > kMaxAcceleratorTextBytes / 2) return;
  if (!said.empty()) said += "; ";
  said += asked;
  // LibTorch's first line is what is wrong.
  said += ": " + shown(words.substr(0, words.find('\n')), kMaxWordsBytes);
}

// What a function answers; nothing where it throws, and then what it said is noted.
template <class Ask>
auto answer(std::string_view asked, std::string& said, const Ask& ask)
    -> std::optional<decltype(ask())> {
  try {
    return ask();
  } catch (const c10::Error& error) {
    note(said, asked, error.what_without_backtrace());
  } catch (const std::exception& error) {
    note(said, asked, error.what());
  } catch (...) {
    note(said, asked, "something was thrown that is no exception");
  }
  return std::nullopt;
}

// Why LibTorch's half of the type is not in the process; empty where it is, or may be.
std::string load(const AcceleratorType& type) {
  if (!type.load) return {};
  try {
    type.load();
    return {};
  } catch (const Error& error) {
    const std::string& hint = error.failure().hint;
    return error.what() + (hint.empty() ? std::string() : " " + hint);
  } catch (const std::exception& error) {
    return error.what();
  }
}

class Question {
 public:
  explicit Question(const AcceleratorType& type) : type_(type) {
    const auto name = answer("name", told_.problem, type.name);
    told_.type = shown(name ? *name : c10::DeviceTypeName(type.type, true), kMaxTypeBytes);
    told_.backend = type.backend;
  }

  Accelerator ask(const std::string& missing) {
    told_.built = answer("is it built", told_.problem, type_.is_built).value_or(false);
    if (told_.built) ask_hooks();
    told_.reason = shown(reason(missing), kMaxAcceleratorTextBytes);
    return std::move(told_);
  }

 private:
  void ask_hooks() {
    const auto hooks = answer("hooks", told_.problem, [&] { return &type_.hooks(); });
    if (!hooks) return;
    const auto available =
        answer("isAvailable", told_.problem, [&] { return (*hooks)->isAvailable(); });
    if (available == false) return;
    const auto count =
        answer("deviceCount", told_.problem, [&] { return int{(*hooks)->deviceCount()}; });
    if (count.value_or(0) > 0) {
      for (int position = 0; position < *count; ++position)
        add(position);
    } else {
      add_current(**hooks, available.value_or(false));
    }
    told_.available = !told_.devices.empty();
  }

  // Without a count. A device that has no number, as mps has none, goes by its type alone.
  void add_current(const at::AcceleratorHooksInterface& hooks, bool is_available) {
    const auto current =
        answer("getCurrentDevice", told_.problem, [&] { return int{hooks.getCurrentDevice()}; });
    if (current.value_or(-1) >= 0) {
      add(*current);
    } else if (is_available) {
      told_.devices.push_back({told_.type, {}});
    }
    told_.current_only = !told_.devices.empty();
  }

  void add(int position) {
    AcceleratorDevice device{told_.type + ":" + std::to_string(position), {}};
    if (type_.description) {
      const auto words =
          answer("name of a device", told_.problem, [&] { return type_.description(position); });
      if (words) device.description = shown(*words, kMaxWordsBytes);
    }
    told_.devices.push_back(std::move(device));
  }

  std::string reason(const std::string& missing) const {
    if (!missing.empty()) return missing;
    if (!told_.built && type_.type == c10::DeviceType::PrivateUse1) {
      return "No library in this process has registered a private-use back end.";
    }
    if (!told_.built) return "This LibTorch is built without " + told_.type + ".";
    if (!told_.available) return "There is no device of it, or no driver for it.";
    return told_.backend.empty() ? "Tandem has no back end for " + told_.type + "." : std::string();
  }

  const AcceleratorType& type_;
  Accelerator told_;
};

std::string current_type(const std::vector<AcceleratorType>& types,
                         const std::vector<Accelerator>& told) {
  std::string ignored;  // it throws where two types are built in: then the first stands for it
  const auto taken = answer("", ignored, [] { return at::accelerator::getAccelerator(); });
  for (std::size_t i = 0; taken && *taken && i < types.size(); ++i) {
    if (types[i].type == **taken && told[i].available) return told[i].type;
  }
  const auto first = std::ranges::find(told, true, &Accelerator::available);
  return first == told.end() ? "cpu" : first->type;
}

}  // namespace

AcceleratorList list_accelerators(const std::vector<AcceleratorType>& types) {
  AcceleratorList list;
  std::vector<std::string> missing;
  missing.reserve(types.size());
  for (const AcceleratorType& type : types)
    missing.push_back(load(type));
  for (std::size_t i = 0; i < types.size(); ++i)
    list.types.push_back(Question(types[i]).ask(missing[i]));
  list.current = current_type(types, list.types);
  return list;
}

void print_accelerators() {
  ::alarm(kListSeconds);
  const std::string text =
      boost::json::serialize(to_json(list_accelerators(accelerator_types()))) + "\n";
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  // Drivers take their time to end, and have nothing to save.
  ::_exit(is_written ? 0 : 1);
}

}  // namespace tandem::worker
