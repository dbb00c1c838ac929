# SPDX-License-Identifier: MIT
"""A program with Microsoft's official distro for Python; azure_client.mjs records the same by the one for Node.js.

With a number as argument it serves a failing request every tenth of a second for so many seconds, with Live Metrics on.
"""

import logging
import sys
import time

from azure.monitor.opentelemetry import configure_azure_monitor
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.trace import SpanKind, Status, StatusCode

live_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0
configure_azure_monitor(sampling_ratio=1.0, disable_offline_storage=True, enable_live_metrics=live_seconds > 0, enable_performance_counters=False,
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
end = time.monotonic() + live_seconds
while time.monotonic() < end:
    with tracer.start_as_current_span("GET /live", kind=SpanKind.SERVER, attributes={
            "http.request.method": "GET", "http.route": "/live", "url.scheme": "http", "server.address": "shop.example", "url.path": "/live",
            "http.response.status_code": 500}):
        time.sleep(0.1)
print(f"trace {request.get_span_context().trace_id:032x}", flush=True)
trace.get_tracer_provider().shutdown()
get_logger_provider().shutdown()
metrics.get_meter_provider().shutdown()
