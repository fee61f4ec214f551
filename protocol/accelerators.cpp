#include "protocol/accelerators.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>

#include "protocol/object_reader.hpp"

namespace tandem {
namespace {

namespace json = boost::json;

constexpr StringRule kTypeRule{"the name of a type of accelerator", kMaxAcceleratorNameBytes};
constexpr StringRule kDeviceRule{"the name of a device", kMaxAcceleratorNameBytes};
constexpr StringRule kTextRule{"a text", kMaxAcceleratorTextBytes, true};

void put(json::object& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}

json::object device_json(const AcceleratorDevice& device) {
  json::object out{{"name", device.name}};
  put(out, "description", device.description);
  return out;
}

json::object type_json(const Accelerator& type) {
  json::array devices;
  for (const AcceleratorDevice& device : type.devices)
    devices.push_back(device_json(device));
  json::object out{{"type", type.type},
                   {"built", type.built},
                   {"available", type.available},
                   {"count", type.devices.size()},
                   {"devices", std::move(devices)},
                   {"current_only", type.current_only},
                   {"backend", nullptr}};
  put(out, "backend", type.backend);
  put(out, "reason", type.reason);
  put(out, "problem", type.problem);
  return out;
}

void read_devices(ObjectReader& keys, std::vector<AcceleratorDevice>& devices) {
  keys.read_objects("devices", kMaxAcceleratorDevices, [&](ObjectReader& entry) {
    AcceleratorDevice device;
    entry.require("name");
    entry.read("name", device.name, kDeviceRule);
    entry.read("description", device.description, kTextRule);
    devices.push_back(std::move(device));
  });
}

void check_count(ObjectReader& keys, std::size_t devices) {
  int count = 0;
  keys.read("count", count, WholeRange{0, static_cast<int>(kMaxAcceleratorDevices)});
  if (static_cast<std::size_t>(count) == devices) return;
  throw Error(ErrorCode::kBadRequest, keys.path_of("count") + ": expected " +
                                          std::to_string(devices) + ", the devices listed, found " +
                                          std::to_string(count));
}

Accelerator read_type(ObjectReader& keys) {
  Accelerator type;
  for (const char* key : {"type", "built", "available", "count", "devices", "backend"})
    keys.require(key);
  keys.read("type", type.type, kTypeRule);
  keys.read("built", type.built);
  keys.read("available", type.available);
  read_devices(keys, type.devices);
  check_count(keys, type.devices.size());
  keys.read("current_only", type.current_only);
  const json::value* backend = keys.find("backend");
  if (!backend->is_null()) keys.read("backend", type.backend, kTypeRule);
  keys.read("reason", type.reason, kTextRule);
  keys.read("problem", type.problem, kTextRule);
  return type;
}

}  // namespace

json::object to_json(const AcceleratorList& list) {
  json::array types;
  for (const Accelerator& type : list.types)
    types.push_back(type_json(type));
  return {{"current", list.current}, {"types", std::move(types)}};
}

AcceleratorList parse_accelerators(std::string_view text) {
  try {
    const json::object object = parse_json_object(text);
    AcceleratorList list;
    ObjectReader keys(object, {});
    keys.require("current");
    keys.require("types");
    keys.read("current", list.current, kTypeRule);
    keys.read_objects("types", kMaxAcceleratorTypes,
                      [&](ObjectReader& type) { list.types.push_back(read_type(type)); });
    keys.finish();
    return list;
  } catch (const Error& error) {
    throw Error(ErrorCode::kBadFrame,
                "A list of accelerators cannot be read: " + std::string(error.what()));
  }
}

bool is_accelerator_name(std::string_view name) {
  constexpr std::array<std::string_view, 20> kNames = {
      "cuda",     "hip", "rocm",  "xpu",   "mps",    "mtia",         "maia",
      "hpu",      "xla", "ipu",   "npu",   "mlu",    "musa",         "gcu",
      "directml", "dml", "corex", "ixuca", "vulkan", "privateuseone"};
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace tandem
