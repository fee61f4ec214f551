#include "tools/tandem/console.hpp"

#include <cstdio>
#include <string>

#include <boost/json/serialize.hpp>

namespace tandem::client {
namespace {

// A reader that went away is no reason to fail: SIGPIPE is ignored, and so is a short write.
void write_line(std::FILE* stream, std::string_view line) {
  std::string text(line);
  text += '\n';
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stream));
  static_cast<void>(std::fflush(stream));
}

}  // namespace

void print(std::string_view line) {
  write_line(stdout, line);
}

void print_json(const boost::json::value& value) {
  write_line(stdout, boost::json::serialize(value));
}

void print_to_stderr(std::string_view line) {
  write_line(stderr, line);
}

void print_error(const Failure& failure) {
  print_to_stderr("tandem: " + failure.message + " (" + std::string(name(failure.code)) + ")");
  if (!failure.hint.empty()) print_to_stderr("hint: " + failure.hint);
}

}  // namespace tandem::client
