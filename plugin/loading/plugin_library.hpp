// One plug-in: its shared library, and the object that it made.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tandem/plugin.hpp>

namespace tandem {

class PluginLibrary {
 public:
  // Loads the library, all of whose symbols must be found, checks the version of its interface
  // before anything else of it is called, and reads its tables. Every error names the file and what
  // is wrong: kMissingFile, kUnsupportedVersion (both versions), kBadRequest (no library, no
  // plug-in, tables that contradict themselves), or what the plug-in's own constructor threw as
  // kInternal.
  explicit PluginLibrary(const std::string& file);

  const std::string& file() const { return file_; }
  const std::string& name() const { return name_; }
  const std::vector<plugin::HookRow>& hooks() const { return hooks_; }
  const std::vector<plugin::UnitKindRow>& unit_kinds() const { return unit_kinds_; }

 private:
  struct Close {
    void operator()(void* library) const;
  };

  void read_tables();

  std::string file_;
  std::unique_ptr<void, Close> library_;
  std::unique_ptr<plugin::Plugin> plugin_;  // its code is in the library
  std::string name_;
  std::vector<plugin::HookRow> hooks_;
  std::vector<plugin::UnitKindRow> unit_kinds_;
};

}  // namespace tandem
