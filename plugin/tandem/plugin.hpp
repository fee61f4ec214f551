// The interface between Tandem and a plug-in (docs/plugins.md): a shared library that exports one C
// function, tandem_plugin, by TANDEM_PLUGIN below. Needs the standard library alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tandem/plugin_hook.hpp>
#include <tandem/plugin_unit.hpp>

namespace tandem::plugin {

// Counts the changes of these headers. Tandem loads plug-ins of its own version alone: objects of
// the standard library cross the border, so there is no half compatible.
inline constexpr std::uint32_t kInterfaceVersion = 1;

// Made once in the coordinator and once in each worker, and asked for its tables at once. Calls may
// come from several threads in the coordinator, from one in a worker.
class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  // By which jobs name it: 1 to 128 bytes.
  virtual std::string name() const = 0;
  // The points that it fills; each at most once.
  virtual std::vector<HookRow> hooks() const { return {}; }
  virtual std::vector<UnitKindRow> unit_kinds() const { return {}; }
};

// What is exported. The first member stays where it is in every version of the interface, and
// nothing behind it is read where the version is another.
struct Entry {
  std::uint32_t interface_version;
  std::uint32_t string_bytes;  // of std::string: tells the ABIs of the standard library apart
  Plugin* (*create)();         // Tandem deletes it
};

}  // namespace tandem::plugin

#define TANDEM_PLUGIN(PluginClass)                                                                 \
  extern "C" __attribute__((visibility("default"))) const tandem::plugin::Entry* tandem_plugin() { \
    static constexpr tandem::plugin::Entry kEntry = {                                              \
        tandem::plugin::kInterfaceVersion, static_cast<std::uint32_t>(sizeof(std::string)),        \
        []() -> tandem::plugin::Plugin* { return std::make_unique<PluginClass>().release(); }};    \
    return &kEntry;                                                                                \
  }
