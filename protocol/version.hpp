// Tandem's version. Host and worker protocol have versions of their own: kHostProtocolVersion
// (host_message.hpp) goes up when an old client would misread a new service, kWorkerProtocolVersion
// (worker_message.hpp) with any change, since a coordinator starts the workers it was built with
// and refuses others.
#pragma once

namespace tandem {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace tandem
