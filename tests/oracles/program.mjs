// SPDX-License-Identifier: MIT
// One program in two languages: this and program.cc record the same telemetry, this one through the official OpenTelemetry SDK and its
// OTLP exporters, the other through azmon. A change here is a change there. Settings come from the environment; the packages from the
// folder given as argument.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.argv[2]}/node_modules/`));
const { NodeSDK } = require("@opentelemetry/sdk-node");
const { trace, context, metrics, SpanKind, SpanStatusCode, TraceFlags, ROOT_CONTEXT, createTraceState } = require("@opentelemetry/api");
const { logs, SeverityNumber } = require("@opentelemetry/api-logs");

const SCOPE = "shop";
const VERSION = "1.2.3";
const SCHEMA = { schemaUrl: "https://opentelemetry.io/schemas/1.30.0" };

const remoteParent = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
  traceState: createTraceState("rojo=00f067aa,congo=t61rcWkg"),
};

function setEveryKindOfAttribute(span) {
  span.setAttribute("text", "two words");
  span.setAttribute("text.empty", "");
  span.setAttribute("text.unicode", 'Grüße, 世界 😀\n"quoted"\\');
  span.setAttribute("text.long", "x".repeat(5000));
  span.setAttribute("flag", true);
  span.setAttribute("flag.not", false);
  span.setAttribute("integer", 9007199254740991);
  span.setAttribute("integer.negative", -9007199254740991);
  span.setAttribute("integer.zero", 0);
  span.setAttribute("double", 0.1);
  span.setAttribute("double.small", 5e-324);
  span.setAttribute("double.large", 1.5e308);
  span.setAttribute("texts", ["a", "", "čaj"]);
  span.setAttribute("integers", [1, -2, 9007199254740991]);
  span.setAttribute("doubles", [0.5, -1.25e-7]);
  span.setAttribute("flags", [true, false]);
  span.setAttribute("set.twice", "first");
  span.setAttribute("set.twice", "second");
}

function recordLogs() {
  const logger = logs.getLogger(SCOPE, VERSION, SCHEMA);
  const emit = (severityNumber, severityText, body, attributes) =>
    logger.emit({ timestamp: Date.now(), severityNumber, severityText, body, attributes });
  emit(SeverityNumber.INFO, "INFO", "order accepted", { "order.id": 42, first: true });
  emit(SeverityNumber.WARN2, "WARN2", "stock is low: Äpfel", { left: 1.5 });
  emit(SeverityNumber.FATAL, "FATAL", "", {});
  logger.emit({ timestamp: Date.now(), eventName: "order.placed", attributes: { "order.id": 42 } });
}

function recordSpans() {
  const tracer = trace.getTracer(SCOPE, VERSION, SCHEMA);
  const request = tracer.startSpan("POST /orders", { kind: SpanKind.SERVER, attributes: { "http.request.method": "POST" } },
    trace.setSpanContext(ROOT_CONTEXT, remoteParent));
  const inRequest = trace.setSpan(ROOT_CONTEXT, request);
  setEveryKindOfAttribute(request);
  request.addEvent("received");
  request.addEvent("stored", { rows: 3, table: "orders", took: 0.25 });
  context.with(inRequest, recordLogs);

  const call = tracer.startSpan("GET", { kind: SpanKind.CLIENT, attributes: { "http.request.method": "GET", "http.response.status_code": 503 } }, inRequest);
  call.setStatus({ code: SpanStatusCode.ERROR, message: "no answer: Zeitüberschreitung" });
  call.end();

  const sent = tracer.startSpan("orders publish", { kind: SpanKind.PRODUCER, attributes: { "messaging.system": "rabbitmq" } }, inRequest);
  sent.setStatus({ code: SpanStatusCode.OK });
  sent.end();
  request.updateName("POST /orders/{id}");
  request.end();

  const received = tracer.startSpan("orders process", { kind: SpanKind.CONSUMER, root: true,
    links: [{ context: sent.spanContext(), attributes: { position: 1 } }, { context: remoteParent }] }, ROOT_CONTEXT);
  trace.getTracer("other").startSpan("step", {}, trace.setSpan(ROOT_CONTEXT, received)).end();
  received.end();
}

function recordMetrics() {
  const meter = metrics.getMeter(SCOPE, VERSION, SCHEMA);
  const orders = meter.createCounter("orders", { description: "orders placed", unit: "{order}", valueType: 0 });
  orders.add(3, { paid: true, country: "CZ" });
  orders.add(4, { paid: true, country: "CZ" });
  orders.add(1, { paid: false, country: "SE" });
  const weight = meter.createCounter("weight", { unit: "kg" });
  weight.add(0.75);
  weight.add(1.5);
  const open = meter.createUpDownCounter("open", { description: "open orders", unit: "{order}", valueType: 0 });
  open.add(5);
  open.add(-7);
  const duration = meter.createHistogram("duration", { description: "of an order", unit: "ms" });
  for (const value of [0.0, 3.5, 12.0, 80.25, 80.25, 99999.0]) duration.record(value, { paid: true });
}

const sdk = new NodeSDK({ autoDetectResources: true });
sdk.start();
metrics.getMeter(SCOPE, VERSION, SCHEMA).createObservableGauge("level", { description: "of the tank", unit: "1" })
  .addCallback((result) => result.observe(0.625, { tank: "north" }));
recordSpans();
recordMetrics();
await sdk.shutdown();
