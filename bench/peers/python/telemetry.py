# SPDX-License-Identifier: MIT
"""Telemetry set-up shared by the services. Call setup() before Flask and requests are imported.

TELEMETRY=none     nothing is set up
otherwise          configure_azure_monitor() when APPLICATIONINSIGHTS_CONNECTION_STRING is set, plus
                   OTLP/gRPC exporters when OTLP_EXPORT_ENDPOINT is set (dual export)

Under gunicorn this runs in each worker (no --preload), as batch processors do not survive a fork.
"""
import os


def setup():
    if os.getenv("TELEMETRY") == "none":
        return
    connection_string = os.getenv("APPLICATIONINSIGHTS_CONNECTION_STRING")
    if not connection_string:
        return
    # The distro polls settings.sdk.monitor.azure.com for its dynamic configuration; where there is no internet each poll
    # becomes a failed dependency and an exception of its own, which would spoil the count of items per order.
    os.environ.setdefault("APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED", "true")
    from azure.monitor.opentelemetry import configure_azure_monitor

    options = {
        "connection_string": connection_string,
        "enable_live_metrics": os.getenv("LIVE_METRICS", "0") == "1",
        "disable_offline_storage": os.getenv("OFFLINE_STORAGE", "0") != "1",
    }
    # SAMPLING=all: every trace; without it the distro limits to 5 traces/s. OTEL_TRACES_SAMPLER=always_on, as the race sets it,
    # goes before the argument (1.8.10).
    if os.getenv("SAMPLING", "all") == "all":
        options["sampling_ratio"] = 1.0
    otlp = os.getenv("OTLP_EXPORT_ENDPOINT")
    if otlp:
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        insecure = otlp.startswith("http://")
        options["span_processors"] = [BatchSpanProcessor(OTLPSpanExporter(endpoint=otlp, insecure=insecure))]
        options["log_record_processors"] = [BatchLogRecordProcessor(OTLPLogExporter(endpoint=otlp, insecure=insecure))]
        options["metric_readers"] = [PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=otlp, insecure=insecure))]
    configure_azure_monitor(**options)
