// SPDX-License-Identifier: MIT
#include "local/api/otlp_grpc.h"

#include <optional>
#include <utility>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include "local/api/first_byte.h"
#include "local/model/limits.h"
#include "otlp/wire.h"

namespace azmon::local {
namespace {

std::optional<OtlpSignal> SignalOf(std::string_view method) {
  if (method == "/opentelemetry.proto.collector.trace.v1.TraceService/Export") return OtlpSignal::kTraces;
  if (method == "/opentelemetry.proto.collector.logs.v1.LogsService/Export") return OtlpSignal::kLogs;
  if (method == "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export") return OtlpSignal::kMetrics;
  return std::nullopt;
}

/// The details that make RESOURCE_EXHAUSTED repeatable for a client: google.rpc.Status with a RetryInfo of one second (OTLP
/// specification, "OTLP/gRPC Throttling").
std::string RetryDetails(grpc::StatusCode code, std::string_view message) {
  std::string status = RpcStatus(code, message);
  const std::size_t any = otlp::OpenMessage(3, status);
  otlp::AppendBytesField(1, "type.googleapis.com/google.rpc.RetryInfo", status);
  const std::size_t info = otlp::OpenMessage(2, status);
  const std::size_t delay = otlp::OpenMessage(1, status);
  otlp::AppendVarintField(1, 1, status);
  otlp::CloseMessage(delay, status);
  otlp::CloseMessage(info, status);
  otlp::CloseMessage(any, status);
  return status;
}

grpc::Status StatusOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kUnavailable: {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, error.detail, RetryDetails(grpc::StatusCode::RESOURCE_EXHAUSTED, error.detail)};
    }
    case ErrorCode::kStorageFull: return {grpc::StatusCode::UNAVAILABLE, error.detail};
    case ErrorCode::kInternal: return {grpc::StatusCode::INTERNAL, error.detail};
    default: return {grpc::StatusCode::INVALID_ARGUMENT, error.detail};
  }
}

/// One call: reads one message, answers when its items are committed. Deletes itself when gRPC is done with it.
class ExportCall final : public grpc::ServerGenericBidiReactor {
 public:
  ExportCall(std::shared_ptr<Service> service, OtlpSignal signal) : service_(std::move(service)), signal_(signal) { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish({grpc::StatusCode::INVALID_ARGUMENT, "the call has no message"});
      return;
    }
    std::vector<grpc::Slice> slices;
    if (!request_.Dump(&slices).ok()) {
      Finish({grpc::StatusCode::INTERNAL, "the message cannot be read"});
      return;
    }
    std::string body;
    body.reserve(request_.Length());
    for (const grpc::Slice& slice : slices) body.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    request_.Clear();
    service_->ReceiveOtlp(std::move(body), signal_, [this](Service::OtlpOutcome outcome) {
      if (!outcome.result) {
        Finish(StatusOf(outcome.result.error()));
        return;
      }
      const std::string answer = OtlpAnswer(*outcome.result);
      const grpc::Slice slice(answer);
      response_ = grpc::ByteBuffer(&slice, 1);
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    });
  }

  void OnDone() override { delete this; }

 private:
  std::shared_ptr<Service> service_;
  OtlpSignal signal_;
  grpc::ByteBuffer request_, response_;
};

class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  Refusal() { Finish({grpc::StatusCode::UNIMPLEMENTED, "only the Export methods of OTLP's three services are here"}); }
  void OnDone() override { delete this; }
};

class Calls final : public grpc::CallbackGenericService {
 public:
  explicit Calls(std::shared_ptr<Service> service) : service_(std::move(service)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    const auto signal = SignalOf(context->method());
    if (!signal) return new Refusal;
    return new ExportCall(service_, *signal);
  }

 private:
  std::shared_ptr<Service> service_;
};

}  // namespace

class OtlpGrpcServer::Impl {
 public:
  explicit Impl(std::shared_ptr<Service> service) : calls(std::move(service)) {}

  using Door = std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor>;

  Calls calls;
  std::unique_ptr<grpc::Server> server;
  Door clear_text, tls;
  std::unique_ptr<FirstByteListener> listener;
};

Result<std::unique_ptr<OtlpGrpcServer>> OtlpGrpcServer::Listen(net::Runtime& runtime, std::shared_ptr<Service> service, const std::string& host,
                                                               std::uint16_t port, const net::ServerTls& tls) {
  auto impl = std::make_unique<Impl>(std::move(service));
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&impl->calls);
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kBodyBytesMax));
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back({tls.private_key, tls.certificate_chain});
  using FromFd = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  impl->clear_text = builder.experimental().AddExternalConnectionAcceptor(FromFd::FROM_FD, grpc::InsecureServerCredentials());
  impl->tls = builder.experimental().AddExternalConnectionAcceptor(FromFd::FROM_FD, grpc::SslServerCredentials(options));
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr) return Error{ErrorCode::kInternal, "gRPC does not start; GRPC_VERBOSITY=debug tells why"};
  auto listener = FirstByteListener::Listen(runtime, host, port, [impl = impl.get()](int descriptor, bool is_tls) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = descriptor;
    (is_tls ? impl->tls : impl->clear_text)->HandleNewConnection(&connection);
  });
  if (!listener.ok()) return listener.error();
  impl->listener = std::move(*listener);
  return std::unique_ptr<OtlpGrpcServer>(new OtlpGrpcServer(std::move(impl)));
}

OtlpGrpcServer::OtlpGrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

OtlpGrpcServer::~OtlpGrpcServer() { Shutdown(std::chrono::milliseconds(0)); }

std::uint16_t OtlpGrpcServer::port() const { return impl_->listener->port(); }

void OtlpGrpcServer::Shutdown(std::chrono::milliseconds timeout) {
  if (impl_->server == nullptr) return;
  impl_->listener.reset();
  impl_->server->Shutdown(std::chrono::system_clock::now() + timeout);
  impl_->server->Wait();
  impl_->server.reset();
}

}  // namespace azmon::local
