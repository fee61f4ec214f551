// ComfyUI's extra_model_paths.yaml, as ComfyUI reads it.
#pragma once

#include <string>

#include "coordinator/service/model_folders.hpp"

namespace tandem::coordinator {

// Adds the folders that the file names to those of each kind; one of a section with `is_default`
// goes before the others. Kinds that no job uses are kept too. Throws as YamlFile does.
void add_extra_model_paths(const std::string& file, FoldersByKind& folders);

}  // namespace tandem::coordinator
