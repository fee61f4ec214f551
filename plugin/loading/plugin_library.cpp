#include "plugin/loading/plugin_library.hpp"

#include <algorithm>
#include <dlfcn.h>
#include <filesystem>

#include "plugin/loading/guarded.hpp"
#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem {
namespace {

constexpr std::size_t kMaxNameBytes = 128;

[[noreturn]] void refuse(ErrorCode code, const std::string& file, const std::string& why,
                         const std::string& hint = {}) {
  throw Error(code, "plug-in " + file + ": " + why, hint, file);
}

void* open_library(const std::string& file) {
  if (!std::filesystem::exists(file))
    refuse(ErrorCode::kMissingFile, file, "there is no such file.");
  // Not without a slash: a bare name would be looked for in the system's folders.
  const std::string path = std::filesystem::absolute(file).string();
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  std::string why = ::dlerror();
  if (why.starts_with(path + ": ")) why.erase(0, path.size() + 2);
  refuse(ErrorCode::kBadRequest, file, why);
}

using GetEntry = const plugin::Entry* (*)();

const plugin::Entry& checked_entry(void* library, const std::string& file) {
  const auto get = reinterpret_cast<GetEntry>(::dlsym(library, "tandem_plugin"));
  if (get == nullptr) {
    refuse(ErrorCode::kBadRequest, file, "it exports no function tandem_plugin.",
           "TANDEM_PLUGIN(Class) of <tandem/plugin.hpp> defines it.");
  }
  const plugin::Entry& entry = *get();
  if (entry.interface_version != plugin::kInterfaceVersion) {
    refuse(ErrorCode::kUnsupportedVersion, file,
           "it was built for version " + std::to_string(entry.interface_version) +
               " of the plug-in interface; this Tandem has version " +
               std::to_string(plugin::kInterfaceVersion) + ".",
           "Build it against this Tandem's headers.");
  }
  if (entry.string_bytes != sizeof(std::string)) {
    refuse(ErrorCode::kUnsupportedVersion, file,
           "it was built with another ABI of the standard library.",
           "Build it without _GLIBCXX_USE_CXX11_ABI=0, against libstdc++.");
  }
  return entry;
}

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f'; });
}

template <class Row, class Key>
bool has_twice(const std::vector<Row>& rows, Key Row::*key) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::count_if(rows.begin(), rows.end(),
                      [&](const Row& row) { return row.*key == rows[i].*key; }) > 1)
      return true;
  }
  return false;
}

}  // namespace

void PluginLibrary::Close::operator()(void* library) const {
  ::dlclose(library);
}

PluginLibrary::PluginLibrary(const std::string& file) : file_(file), library_(open_library(file)) {
  const plugin::Entry& entry = checked_entry(library_.get(), file_);
  plugin_.reset(guarded(file_, {}, [&] { return entry.create(); }));
  if (!plugin_) refuse(ErrorCode::kBadRequest, file_, "it made no plug-in.");
  guarded(file_, {}, [&] { read_tables(); });
}

void PluginLibrary::read_tables() {
  name_ = plugin_->name();
  hooks_ = plugin_->hooks();
  unit_kinds_ = plugin_->unit_kinds();
  if (!is_name(name_)) {
    refuse(
        ErrorCode::kBadRequest, file_,
        "its name \"" + shown(name_) + "\" is not 1 to 128 printable characters without blanks.");
  }
  const auto bad_hook = [](const plugin::HookRow& row) {
    return row.make == nullptr || row.point > plugin::HookPoint::kCallback;
  };
  const auto bad_kind = [](const plugin::UnitKindRow& row) {
    return row.kind == nullptr || !is_name(row.name);
  };
  if (std::ranges::any_of(hooks_, bad_hook) || has_twice(hooks_, &plugin::HookRow::point)) {
    refuse(ErrorCode::kBadRequest, file_, "its table of hooks has a bad row, or a point twice.");
  }
  if (std::ranges::any_of(unit_kinds_, bad_kind) ||
      has_twice(unit_kinds_, &plugin::UnitKindRow::name)) {
    refuse(ErrorCode::kBadRequest, file_,
           "its table of unit kinds has a bad row, or a name twice.");
  }
}

}  // namespace tandem
