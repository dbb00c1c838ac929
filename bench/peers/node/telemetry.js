// SPDX-License-Identifier: MIT
'use strict';
// Telemetry set-up shared by the three services; must be required before anything else.
//   TELEMETRY=none            nothing is set up
//   otherwise                 useAzureMonitor() when APPLICATIONINSIGHTS_CONNECTION_STRING is set,
//                             plus an OTLP/gRPC exporter when OTLP_EXPORT_ENDPOINT is set
// The official connection-string parser rewrites an http:// IngestionEndpoint to https://.
// A plain-http sink therefore has to be named through the exporter's own `endpoint` option,
// with allowInsecureConnection. Live metrics have no such option (their endpoint stays https).
const cs = process.env.APPLICATIONINSIGHTS_CONNECTION_STRING;
const otlp = process.env.OTLP_EXPORT_ENDPOINT;

if (process.env.TELEMETRY !== 'none' && cs) {
  const field = (name) => {
    const kv = cs.split(';').find((s) => s.toLowerCase().startsWith(name.toLowerCase() + '='));
    return kv ? kv.slice(name.length + 1) : undefined;
  };
  const ingestion = field('IngestionEndpoint');
  const exporterOptions = { connectionString: cs, disableOfflineStorage: process.env.OFFLINE_STORAGE !== '1' };
  let plainHttp = false;
  if (ingestion && ingestion.startsWith('http://')) {
    plainHttp = true;
    exporterOptions.endpoint = ingestion.replace(/\/$/, '') + '/v2.1';
    exporterOptions.allowInsecureConnection = true;
  }
  const options = {
    azureMonitorExporterOptions: exporterOptions,
    enableLiveMetrics: process.env.LIVE_METRICS ? process.env.LIVE_METRICS === '1' : !plainHttp,
  };
  // SAMPLING=all: every trace (the distro's own default is a rate limit of 5 traces/s)
  if ((process.env.SAMPLING || 'all') === 'all') {
    options.samplingRatio = 1;
    options.tracesPerSecond = 0;
  }
  if (otlp) {
    const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');
    const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
    options.spanProcessors = [new BatchSpanProcessor(new OTLPTraceExporter({ url: otlp }))];
    const { OTLPLogExporter } = require('@opentelemetry/exporter-logs-otlp-grpc');
    const { BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
    options.logRecordProcessors = [new BatchLogRecordProcessor(new OTLPLogExporter({ url: otlp }))];
    const { OTLPMetricExporter } = require('@opentelemetry/exporter-metrics-otlp-grpc');
    const { PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
    options.metricReaders = [
      new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter({ url: otlp }), exportIntervalMillis: 60000 }),
    ];
  }
  const { useAzureMonitor, shutdownAzureMonitor } = require('@azure/monitor-opentelemetry');
  useAzureMonitor(options);
  const stop = () => {
    const t = setTimeout(() => process.exit(0), 5000);
    t.unref();
    Promise.resolve(shutdownAzureMonitor()).then(() => process.exit(0), () => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
