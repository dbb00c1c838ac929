// SPDX-License-Identifier: MIT
// A program with Microsoft's official distro for Node.js. azure_client.py records the same by the one for Python; azure_clients.py starts
// both and looks at what azmon-local got. The packages come from the folder given as argument. With a number as second argument it serves a
// failing request every tenth of a second for so many seconds, with Live Metrics on.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.argv[2]}/node_modules/`));
const { useAzureMonitor, shutdownAzureMonitor } = require("@azure/monitor-opentelemetry");
const { trace, context, metrics, SpanKind, SpanStatusCode, ROOT_CONTEXT } = require("@opentelemetry/api");
const { logs, SeverityNumber } = require("@opentelemetry/api-logs");

const liveSeconds = Number(process.argv[3] ?? 0);
useAzureMonitor({
  azureMonitorExporterOptions: { connectionString: process.env.APPLICATIONINSIGHTS_CONNECTION_STRING, disableOfflineStorage: true },
  samplingRatio: 1,
  tracesPerSecond: 0,
  enableLiveMetrics: liveSeconds > 0,
  enableStandardMetrics: false,
  enablePerformanceCounters: false,
});

const tracer = trace.getTracer("shop");
const request = tracer.startSpan("GET /orders/{id}", { kind: SpanKind.SERVER, attributes: {
  "http.request.method": "GET", "http.route": "/orders/{id}", "url.scheme": "http", "server.address": "shop.example", "url.path": "/orders/7",
  "http.response.status_code": 500, "order.note": "Grüße 😀" } }, ROOT_CONTEXT);
const inRequest = trace.setSpan(ROOT_CONTEXT, request);
const call = tracer.startSpan("GET", { kind: SpanKind.CLIENT, attributes: {
  "http.request.method": "GET", "url.full": "http://stock.example:8080/items/7", "server.address": "stock.example", "server.port": 8080,
  "http.response.status_code": 200 } }, inRequest);
call.end();
context.with(inRequest, () => {
  logs.getLogger("shop").emit({ severityNumber: SeverityNumber.WARN, severityText: "WARN", body: "stock is low", attributes: { left: 3 } });
});
const error = new RangeError("no such order");
request.recordException(error);
request.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
request.end();
metrics.getMeter("shop").createCounter("orders").add(5, { paid: true });
for (const end = Date.now() + liveSeconds * 1000; Date.now() < end;) {
  const served = tracer.startSpan("GET /live", { kind: SpanKind.SERVER, attributes: { "http.request.method": "GET", "http.route": "/live",
    "url.scheme": "http", "server.address": "shop.example", "url.path": "/live", "http.response.status_code": 500 } }, ROOT_CONTEXT);
  await new Promise((resolve) => setTimeout(resolve, 100));
  served.end();
}
console.log(`trace ${request.spanContext().traceId}`);
await shutdownAzureMonitor();
