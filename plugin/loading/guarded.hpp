// Calls into a plug-in: what it throws becomes an error that names it.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/error.hpp"

namespace tandem {

[[noreturn]] inline void throw_of_plugin(ErrorCode code, const std::string& plugin,
                                         const std::string& path, const std::string& what) {
  throw Error(code, (path.empty() ? "" : path + ": ") + "plug-in '" + plugin + "': " + what, {},
              path);
}

// Errors of Tandem, of LibTorch and of memory, which may pass through a plug-in, stay as they are.
// std::invalid_argument is kBadRequest, the fault of the job; other standard errors, and what is no
// std::exception, are kInternal. `path`: the key of the job that is to blame, may be empty.
template <class Call>
auto guarded(const std::string& plugin, const std::string& path, Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const Error&) {
    throw;
  } catch (const std::invalid_argument& error) {
    throw_of_plugin(ErrorCode::kBadRequest, plugin, path, error.what());
  } catch (const std::logic_error& error) {
    throw_of_plugin(ErrorCode::kInternal, plugin, path, error.what());
  } catch (const std::runtime_error& error) {
    throw_of_plugin(ErrorCode::kInternal, plugin, path, error.what());
  } catch (const std::exception&) {
    throw;
  } catch (...) {
    throw_of_plugin(ErrorCode::kInternal, plugin, path,
                    "it threw something that is no std::exception");
  }
}

}  // namespace tandem
