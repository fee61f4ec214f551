// A plug-in that cannot be made.
#include <tandem/plugin.hpp>

namespace {

class Throwing : public tandem::plugin::Plugin {
 public:
  Throwing() { throw std::runtime_error("its model is not there"); }
  std::string name() const override { return "throwing"; }
};

}  // namespace

TANDEM_PLUGIN(Throwing)
