#include <array>

#include "models/families/family.hpp"
#include "models/families/sd15/family.hpp"
#include "models/families/sd20/family.hpp"
#include "models/families/sdxl/family.hpp"

namespace tandem::models {

std::span<const Family* const> families() {
  static const std::array<const Family*, 3> kFamilies = {
      &sd15(),
      &sd20(),
      &sdxl(),
  };
  return kFamilies;
}

const Family* find_family(std::string_view name) {
  for (const Family* family : families()) {
    if (family->name == name) return family;
  }
  return nullptr;
}

std::string family_names() {
  std::string names;
  const auto all = families();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0) names += i + 1 == all.size() ? " and " : ", ";
    names += all[i]->display_name;
  }
  return names;
}

}  // namespace tandem::models
