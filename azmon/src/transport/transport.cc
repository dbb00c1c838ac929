// SPDX-License-Identifier: MIT
#include "transport/transport.h"

namespace azmon::transport {

std::string_view Name(TransportError error) {
  switch (error) {
    using enum TransportError;
    case kNone: return "none";
    case kResolve: return "name not resolved";
    case kConnect: return "no connection";
    case kTls: return "TLS failure";
    case kTimeout: return "time-out";
    case kBroken: return "connection broken";
    case kNotHttp2: return "not an HTTP/2 server";
    case kLocal: return "local failure";
  }
  return "unknown";
}

std::optional<std::string_view> HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace azmon::transport
