// A host's JSON as the service reads it, and a service's JSON as a client reads it.
#include <cstdlib>

#include "protocol/host_message.hpp"
#include "protocol/json_text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

void read_as_service(std::string_view text) {
  tandem::RequestEnvelope envelope;
  tandem::Request request;
  try {
    envelope = tandem::open_request(text);
    request = tandem::parse_request(envelope);
  } catch (const tandem::Error& error) {
    // Every refusal must make a reply that can be read again.
    const std::string reply = tandem::error_reply(envelope.id, error.failure());
    const auto json = tandem::parse_json_object(reply);
    if (tandem::failure_from_json(json.at("error").as_object()).code != error.code()) std::abort();
    return;
  }
  const std::string written = tandem::to_json(envelope.id.value(), request);
  if (tandem::parse_request(tandem::open_request(written)) != request) std::abort();
}

void read_as_client(std::string_view text) {
  try {
    const auto json = tandem::parse_json_object(text);
    const auto event = tandem::event_from_json(json);
    if (event && tandem::event_from_json(tandem::to_json(*event)) != event) std::abort();
    static_cast<void>(tandem::status_from_json(json));
  } catch (const tandem::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read_as_service(tandem::fuzz::text_of(data, size));
  read_as_client(tandem::fuzz::text_of(data, size));
  return 0;
}
