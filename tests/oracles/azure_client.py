# SPDX-License-Identifier: MIT
"""A program with Microsoft's official distro for Python; azure_client.mjs records the same by the one for Node.js."""

import logging

from azure.monitor.opentelemetry import configure_azure_monitor
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.trace import SpanKind, Status, StatusCode

configure_azure_monitor(sampling_ratio=1.0, disable_offline_storage=True, enable_live_metrics=False, enable_performance_counters=False,
                        logger_name="shop")

tracer = trace.get_tracer("shop")
with tracer.start_as_current_span("GET /orders/{id}", kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False, attributes={
        "http.request.method": "GET", "http.route": "/orders/{id}", "url.scheme": "http", "server.address": "shop.example",
        "url.path": "/orders/7", "http.response.status_code": 500, "order.note": "Grüße 😀"}) as request:
    with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes={
            "http.request.method": "GET", "url.full": "http://stock.example:8080/items/7", "server.address": "stock.example", "server.port": 8080,
            "http.response.status_code": 200}):
        pass
    logging.getLogger("shop").warning("stock is low", extra={"left": 3})
    error = ValueError("no such order")
    request.record_exception(error)
    request.set_status(Status(StatusCode.ERROR, str(error)))
metrics.get_meter("shop").create_counter("orders").add(5, {"paid": True})
print(f"trace {request.get_span_context().trace_id:032x}", flush=True)
trace.get_tracer_provider().shutdown()
get_logger_provider().shutdown()
metrics.get_meter_provider().shutdown()
