// The service's configuration file (docs/configuration.md).
#pragma once

#include <string>
#include <vector>

#include "coordinator/service/model_folders.hpp"

namespace tandem::coordinator {

// What the file says; empty where it says nothing.
struct ServiceConfig {
  std::string devices;  // LIST of --devices
  std::string budget;   // LIST of --budget
  std::vector<std::string> roots;
  FoldersByKind folders;
};

// Throws as YamlFile does: besides, for a key that there is not, a list that cannot be read, a root
// that is no folder. Paths in it begin at the file's folder.
ServiceConfig read_config(const std::string& file);

// $XDG_CONFIG_HOME/tandem/config.yaml, else ~/.config/tandem/config.yaml; empty without a home.
std::string default_config_file();

}  // namespace tandem::coordinator
