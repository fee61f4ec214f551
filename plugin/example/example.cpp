#include "example.hpp"

namespace example {
namespace {

using namespace tandem::plugin;

class ExamplePlugin : public Plugin {
 public:
  std::string name() const override { return "example"; }
  std::vector<HookRow> hooks() const override {
    return {{HookPoint::kWrapper, make_clamp}, {HookPoint::kCallback, make_report}};
  }
  std::vector<UnitKindRow> unit_kinds() const override { return {{"sharpen", &sharpen()}}; }
};

}  // namespace
}  // namespace example

TANDEM_PLUGIN(example::ExamplePlugin)
