#include "plugin/loading/options.hpp"

#include "protocol/json_text.hpp"

namespace tandem {
namespace {

plugin::OptionValue value_of(const boost::json::value& value) {
  if (const bool* flag = value.if_bool()) return *flag;
  if (const std::int64_t* whole = value.if_int64()) return *whole;
  if (const boost::json::string* text = value.if_string()) return std::string(*text);
  if (value.is_number()) return value.to_number<double>();
  return std::monostate{};
}

}  // namespace

plugin::Options plugin_options(const std::string& json) {
  if (json.empty()) return {};
  std::map<std::string, plugin::OptionValue, std::less<>> values;
  for (const auto& member : parse_json_object(json)) {
    values.emplace(member.key(), value_of(member.value()));
  }
  return {json, std::move(values)};
}

}  // namespace tandem
