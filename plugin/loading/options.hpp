// A job's options of a plug-in, from JSON to what a plug-in reads.
#pragma once

#include <string>

#include <tandem/plugin_options.hpp>

namespace tandem {

// `json`: a JSON object, or empty for none. Throws kBadRequest for other texts.
plugin::Options plugin_options(const std::string& json);

}  // namespace tandem
