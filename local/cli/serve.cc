// SPDX-License-Identifier: MIT
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "local/api/assets.h"
#include "local/api/otlp_grpc.h"
#include "local/api/service.h"
#include "local/cli/child.h"
#include "local/cli/commands.h"
#include "local/cli/local_ca.h"
#include "local/cli/place.h"
#include "local/store/store.h"
#include "net/runtime.h"
#include "net/server.h"

namespace azmon::local {
namespace {

using std::chrono::steady_clock;

/// How long requests in flight may take at the end.
constexpr std::chrono::seconds kDrain{5};

/// Event loops: accepting and writing answers is little work beside parsing and the database, which have threads of their own.
constexpr std::size_t kLoops = 2;

int Fail(const Error& error) {
  std::fprintf(stderr, "azmon-local: %s\n", error.ToString().c_str());
  return error.code == ErrorCode::kBadSetting ? 2 : 1;
}

bool IsLoopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }
bool IsAnyAddress(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

std::string Origin(const std::string& scheme, const std::string& host, std::uint16_t port) {
  return scheme + "://" + (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Addresses AddressesOf(const std::string& host, std::uint16_t port, std::uint16_t grpc_port, std::uint16_t http_port) {
  // What others call this machine cannot be known, so they are told the loopback address unless a real one was given.
  const std::string shown = IsAnyAddress(host) ? "127.0.0.1" : host;
  const std::string ingestion = Origin("http", IsLoopback(host) || IsAnyAddress(host) ? "localhost" : host, port) + "/";
  Addresses addresses;
  addresses.page = Origin("http", shown, port) + "/";
  addresses.ingestion = addresses.live = ingestion;
  addresses.otlp_grpc = Origin("http", shown, grpc_port);
  addresses.otlp_http = Origin("http", shown, http_port);
  addresses.connection_string = "InstrumentationKey=" + std::string(kInstrumentationKey) + ";IngestionEndpoint=" + ingestion + ";LiveEndpoint=" + ingestion;
  return addresses;
}

std::string ReadyJson(const Addresses& addresses, const std::string& ca_file) {
  std::string text;
  base::JsonWriter json(text);
  json.OpenObject().Member("pid", static_cast<std::int64_t>(::getpid())).Member("page", addresses.page);
  json.Member("ingestion", addresses.ingestion).Member("live", addresses.live);
  json.Member("otlpGrpc", addresses.otlp_grpc).Member("otlpHttp", addresses.otlp_http);
  json.Member("caFile", ca_file).Member("connectionString", addresses.connection_string).CloseObject();
  text.push_back('\n');
  return text;
}

void PrintBanner(const ServeOptions& options, const Addresses& addresses, const Place& place, const std::string& ca_file) {
  std::string text = "azmon-local " + std::string(kVersion) + "\n";
  text += "  page   " + addresses.page + "\n";
  text += "  data   " + place.description + "\n";
  text += "  https  on the same ports; its authority: " + ca_file + "\n";
  if (!place.notice.empty()) text += "  note   " + place.notice + "\n";
  if (!HasEmbeddedPage() && options.ui_directory.empty()) text += "  note   built without its page; the API works: " + addresses.page + "api/v1/stats\n";
  if (!IsLoopback(options.host)) text += "  note   " + options.host + " is reachable from outside: others can read and send telemetry here\n";
  text += "\nSend telemetry here:\n";
  text += "  APPLICATIONINSIGHTS_CONNECTION_STRING='" + addresses.connection_string + "'\n";
  text += "  OTEL_EXPORTER_OTLP_ENDPOINT=" + addresses.otlp_grpc + "   (gRPC; by HTTP " + addresses.otlp_http + ")\n";
  std::fputs(text.c_str(), stderr);
}

/// What sends a command's telemetry here. HTTP, because every SDK has it; what would lead OTLP elsewhere is removed.
std::map<std::string, std::string> VariablesOf(const Addresses& addresses) {
  std::map<std::string, std::string> variables = {{"APPLICATIONINSIGHTS_CONNECTION_STRING", addresses.connection_string},
                                                  {"OTEL_EXPORTER_OTLP_ENDPOINT", addresses.otlp_http},
                                                  {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"},
                                                  {"OTEL_TRACES_SAMPLER", "always_on"},
                                                  {"OTEL_TRACES_SAMPLER_ARG", ""},
                                                  {"OTLP_EXPORT_ENDPOINT", ""}};
  for (const char* signal : {"TRACES", "LOGS", "METRICS"}) {
    for (const char* what : {"ENDPOINT", "PROTOCOL"}) variables[std::string("OTEL_EXPORTER_OTLP_") + signal + "_" + what] = "";
  }
  return variables;
}

/// A server that may take a free port instead when the caller did not insist on this one.
template <typename Listen>
auto ListenOrFree(std::uint16_t port, bool may_be_free, Listen listen) -> decltype(listen(port)) {
  auto server = listen(port);
  if (!server.ok() && server.error().code == ErrorCode::kUnavailable && may_be_free && port != 0) return listen(0);
  return server;
}

}  // namespace

int Serve(const ServeOptions& options) {
  const bool is_run = !options.command.empty();
  if (!options.ui_directory.empty() && !std::filesystem::is_regular_file(std::filesystem::path(options.ui_directory) / "index.html")) {
    return Fail({ErrorCode::kBadSetting, "--ui-dir " + options.ui_directory + " has no index.html"});
  }
  if (!options.ready_json.empty()) {
    // One of an earlier run would be taken for this one's.
    std::error_code ignored;
    std::filesystem::remove(options.ready_json, ignored);
  }
  auto place = FindPlace(options, base::ProcessEnvironment());
  if (!place) return Fail(place.error());
  StoreOptions store_options;
  store_options.directory = place->directory;
  store_options.is_temporary = place->is_temporary;
  store_options.bytes_max = options.bytes_max.value_or(place->is_temporary ? limits::kStoreBytesMaxMemory : limits::kStoreBytesMax);
  store_options.retention = options.retention;
  auto opened = Store::Open(store_options);
  if (!opened) return Fail(opened.error());
  std::unique_ptr<Store> store = std::move(*opened);

  net::Runtime runtime({.threads = kLoops, .handle_signals = true});
  ServiceOptions service_options;
  service_options.strictness = options.strictness;
  service_options.ui_directory = options.ui_directory;
  service_options.check_host = IsLoopback(options.host);
  service_options.allowed_hosts = options.allowed_hosts;
  auto service = std::make_shared<Service>(service_options, *store, base::SystemClock());

  net::ServerOptions server_options;
  server_options.host = options.host;
  server_options.merge_leading_slashes = true;
  server_options.body_bytes_max = limits::kBodyBytesMax;
  std::vector<std::string> names = options.allowed_hosts;
  if (!IsLoopback(options.host) && !IsAnyAddress(options.host)) names.push_back(options.host);
  auto tls = MakeLocalTls(place->directory, names);
  if (!tls) return Fail(tls.error());
  server_options.tls = net::ServerTls{tls->certificate_chain, tls->private_key, true};
  auto main_server = ListenOrFree(options.port, is_run && !options.is_port_given, [&](std::uint16_t port) {
    server_options.port = port;
    return net::Server::Listen(runtime, server_options, service->MainRouter());
  });
  if (!main_server) return Fail(main_server.error());
  auto otlp_server = ListenOrFree(options.otlp_http_port, is_run && !options.is_http_port_given, [&](std::uint16_t port) {
    server_options.port = port;
    return net::Server::Listen(runtime, server_options, service->OtlpRouter());
  });
  if (!otlp_server) return Fail(otlp_server.error());
  auto grpc_server = ListenOrFree(options.otlp_grpc_port, is_run && !options.is_grpc_port_given,
                                  [&](std::uint16_t port) { return OtlpGrpcServer::Listen(runtime, service, options.host, port, *server_options.tls); });
  if (!grpc_server) return Fail(grpc_server.error());

  const Addresses addresses = AddressesOf(options.host, (*main_server)->port(), (*grpc_server)->port(), (*otlp_server)->port());
  service->SetAddresses(addresses);
  if (!options.is_silent) PrintBanner(options, addresses, *place, tls->ca_file);
  if (!options.ready_json.empty()) {
    if (const auto written = WriteFileWhole(options.ready_json, ReadyJson(addresses, tls->ca_file)); !written) return Fail(written.error());
  }

  std::atomic<int> exit_code = 0;
  std::unique_ptr<Child> child;
  if (is_run) {
    auto started = Child::Start(options.command, VariablesOf(addresses), [&](int code) {
      exit_code = code;
      runtime.RequestStop();
    });
    if (!started) return Fail(started.error());
    child = std::move(*started);
  }
  const int signal = runtime.WaitForStop();
  // A Ctrl-C has reached the command already: the terminal sends it to both.
  const bool is_from_terminal = signal == SIGINT && ::tcgetpgrp(STDERR_FILENO) == ::getpgrp();
  if (signal != 0 && child != nullptr && !is_from_terminal) child->Signal(signal);
  child.reset();

  const auto deadline = steady_clock::now() + kDrain;
  (*grpc_server)->Shutdown(kDrain);
  (*main_server)->Drain(deadline);
  (*otlp_server)->Drain(deadline);
  // In this order: nothing may ask a service or a store that is gone.
  grpc_server->reset();
  main_server->reset();
  otlp_server->reset();
  runtime.Stop();
  service.reset();
  store.reset();
  if (!options.ready_json.empty()) {
    std::error_code ignored;
    std::filesystem::remove(options.ready_json, ignored);
  }
  return exit_code;
}

}  // namespace azmon::local
