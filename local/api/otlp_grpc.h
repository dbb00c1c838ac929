// SPDX-License-Identifier: MIT
// OTLP over gRPC, on a port of its own, in clear text and by TLS.
//
// gRPC's generic service hands over the raw bytes of a message, so no generated code and no libprotobuf takes part.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "local/api/service.h"
#include "net/runtime.h"
#include "net/server.h"

namespace azmon::local {

class OtlpGrpcServer {
 public:
  /// @param tls  of the connections that begin with a TLS handshake
  /// @return kBadSetting a host that cannot be resolved; kUnavailable the address cannot be bound
  static Result<std::unique_ptr<OtlpGrpcServer>> Listen(net::Runtime& runtime, std::shared_ptr<Service> service, const std::string& host,
                                                        std::uint16_t port, const net::ServerTls& tls);
  /// Shutdown(0).
  ~OtlpGrpcServer();
  OtlpGrpcServer(const OtlpGrpcServer&) = delete;
  OtlpGrpcServer& operator=(const OtlpGrpcServer&) = delete;

  std::uint16_t port() const;

  /// Takes no further calls and waits for those in flight; the store must still run.
  void Shutdown(std::chrono::milliseconds timeout);

 private:
  class Impl;
  explicit OtlpGrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace azmon::local
