// SPDX-License-Identifier: MIT
#include "telemetry.h"

#include <opentelemetry/exporters/otlp/otlp_grpc_exporter_factory.h>
#include <opentelemetry/exporters/otlp/otlp_grpc_exporter_options.h>
#include <opentelemetry/sdk/resource/resource.h>
#include <opentelemetry/sdk/trace/batch_span_processor_factory.h>
#include <opentelemetry/sdk/trace/batch_span_processor_options.h>
#include <opentelemetry/sdk/trace/tracer_provider.h>
#include <opentelemetry/sdk/trace/tracer_provider_factory.h>

#include <cstdlib>
#include <memory>
#include <string_view>

static std::shared_ptr<otel::sdk::trace::TracerProvider> provider;

static long env_long(const char* name, long def) {
  const char* v = std::getenv(name);
  return v && *v ? std::atol(v) : def;
}

void setup_telemetry() {
  const char* mode = std::getenv("TELEMETRY");
  const char* endpoint = std::getenv("OTLP_EXPORT_ENDPOINT");
  if (!mode || std::string_view(mode) == "none" || !endpoint) return;  // the API's no-op provider stays
  otel::exporter::otlp::OtlpGrpcExporterOptions eo;
  eo.endpoint = endpoint;
  eo.use_ssl_credentials = false;
  otel::sdk::trace::BatchSpanProcessorOptions bo;
  bo.max_queue_size = env_long("BSP_QUEUE", 65536);
  bo.max_export_batch_size = env_long("BSP_BATCH", 4096);
  bo.schedule_delay_millis = std::chrono::milliseconds(env_long("BSP_DELAY_MS", 1000));
  const char* name = std::getenv("OTEL_SERVICE_NAME");
  auto resource = otel::sdk::resource::Resource::Create({{"service.name", name ? name : "unknown"}});
  provider = otel::sdk::trace::TracerProviderFactory::Create(
      otel::sdk::trace::BatchSpanProcessorFactory::Create(otel::exporter::otlp::OtlpGrpcExporterFactory::Create(eo), bo),
      resource);
  std::shared_ptr<otrace::TracerProvider> api = provider;
  otrace::Provider::SetTracerProvider(api);
}

void shutdown_telemetry() {
  if (provider) provider->Shutdown();
}
