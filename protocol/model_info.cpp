#include "protocol/model_info.hpp"

#include <array>

namespace tandem {

const char* name(Parameterization parameterization) {
  constexpr std::array<const char*, 5> kNames = {"eps", "v_prediction", "x0", "lcm", "flow"};
  return kNames.at(static_cast<std::size_t>(parameterization));
}

}  // namespace tandem
