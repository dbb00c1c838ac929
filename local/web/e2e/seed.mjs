// SPDX-License-Identifier: MIT
// Telemetry for the page's tests: orders through three services, as their SDKs would send it, to POST /v2.1/track and to
// OTLP/HTTP. Ids and durations come from a seeded generator, so a failure can be replayed.
import { gzipSync } from "node:zlib";

const kKey = "00000000-0000-4000-8000-0000a2004380";

/** Small deterministic generator (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** One order as a list of spans and marks, times in milliseconds since 1970. */
export function order(random, number, start, { failed = false } = {}) {
  const hex = (digits) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
  const trace = hex(32);
  const spans = [];
  const marks = [];
  const base = 4 + random() * 40;
  const span = (parent, role, kind, name, from, length, extra = {}) => {
    const entry = { trace, id: hex(16), parent: parent?.id ?? "", role, kind, name, start: start + from, length, ok: true, attributes: {}, ...extra };
    spans.push(entry);
    return entry;
  };
  const id = { "order.id": String(number) };
  const http = (target, status) => ({ "http.request.method": "POST", "server.address": target, "url.full": `http://${target}/orders`, "http.response.status_code": status });
  const place = span(null, "checkout", "internal", "place order", 0, base * 3, { ok: !failed, attributes: { ...id, "order.lines": "3", "order.total": "104.50" } });
  const call1 = span(place, "checkout", "client", "POST", base * 0.1, base * 2.8, { ok: !failed, attributes: http("order-processor", failed ? 503 : 200) });
  const in1 = span(call1, "order-processor", "server", "POST /orders", base * 0.3, base * 2.4, { ok: !failed, attributes: { ...http("order-processor", failed ? 503 : 200), "http.route": "/orders" } });
  const process = span(in1, "order-processor", "internal", "process order", base * 0.4, base * 2.2, { ok: !failed, attributes: id });
  const call2 = span(process, "order-processor", "client", "POST", base * 0.6, base * 1.8, { ok: !failed, attributes: http("receipt", failed ? 500 : 200) });
  const in2 = span(call2, "receipt", "server", "POST /orders", base * 0.75, base * 1.5, { ok: !failed, attributes: { ...http("receipt", failed ? 500 : 200), "http.route": "/orders" } });
  const write = span(in2, "receipt", "internal", "write receipt", base * 0.85, base * 1.3, { ok: !failed, attributes: id });
  const blob = span(write, "receipt", "internal", "BlobClient.PutBlob", base * 0.9, base * 1.2, { ok: !failed, attributes: { "az.namespace": "Microsoft.Storage" } });
  const put = { "http.request.method": "PUT", "server.address": "127.0.0.1:10000", "url.full": `http://127.0.0.1:10000/devstoreaccount1/receipts/order-${number}.json` };
  span(blob, "receipt", "client", "PUT", base * 0.95, base * (failed ? 0.4 : 1.0), { ok: !failed, attributes: { ...put, "http.response.status_code": failed ? 500 : 201 } });
  if (failed) span(blob, "receipt", "client", "PUT", base * 1.5, base * 0.5, { ok: false, attributes: { ...put, "http.response.status_code": 500, "http.request.resend_count": "1" } });
  marks.push({ kind: "log", span: process, at: process.start + base * 0.1, severity: "Information", message: `Order ${number} accepted` });
  if (failed) {
    marks.push({ kind: "log", span: write, at: write.start + base * 0.6, severity: "Warning", message: `Storage answered 500, trying order ${number} again` });
    marks.push({ kind: "exception", span: write, at: write.start + base * 1.2, type: "receipt::StorageError", message: `order-${number}.json: 500 InternalError <b>after 2 attempts</b>`, stack: kStack });
  } else {
    marks.push({ kind: "event", span: write, at: write.start + base * 1.25, name: "ReceiptWritten" });
  }
  return { trace, spans, marks };
}

const kStack = [
  "   at receipt::BlobStore::Put(std::string_view, std::span<const std::byte>) in services/receipt/blob_store.cc:118",
  "   at receipt::WriteReceipt(const Order&, BlobStore&) in services/receipt/receipt.cc:64",
  "   at receipt::HandleOrder(net::Request) in services/receipt/routes.cc:41",
].join("\n");

const pad = (value, width) => String(value).padStart(width, "0");

function timeSpan(ms) {
  const ticks = Math.round(ms * 10_000);
  const seconds = Math.floor(ticks / 10_000_000);
  return `0.${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}.${pad(ticks % 10_000_000, 7)}`;
}

const iso = (ms) => `${new Date(Math.floor(ms)).toISOString().slice(0, -1)}${pad(Math.floor((ms % 1) * 10_000), 4)}Z`;

export const envelopeOf = (kind, baseType, time, tags, baseData) => ({ ver: 1, name: `Microsoft.ApplicationInsights.${kind}`, time: iso(time), sampleRate: 100, iKey: kKey, tags, data: { baseType, baseData: { ver: 2, ...baseData } } });

/** The items of an order as Breeze envelopes. */
export function toBreeze({ trace, spans, marks }) {
  const tags = (role, parent) => ({
    "ai.operation.id": trace,
    ...(parent === "" ? {} : { "ai.operation.parentId": parent }),
    "ai.operation.name": "place order",
    "ai.cloud.role": role,
    "ai.cloud.roleInstance": `${role}-7c9f`,
    "ai.internal.sdkVersion": "test:1",
  });
  const envelope = (kind, baseType, time, role, parent, baseData) => envelopeOf(kind, baseType, time, tags(role, parent), baseData);
  const items = spans.map((span) => {
    const { attributes } = span;
    const properties = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
    if (span.kind === "server")
      return envelope("Request", "RequestData", span.start, span.role, span.parent, { id: span.id, name: span.name, duration: timeSpan(span.length), success: span.ok, responseCode: String(attributes["http.response.status_code"]), url: attributes["url.full"], properties });
    return envelope("RemoteDependency", "RemoteDependencyData", span.start, span.role, span.parent, {
      id: span.id,
      name: span.name,
      duration: timeSpan(span.length),
      success: span.ok,
      resultCode: String(attributes["http.response.status_code"] ?? ""),
      type: span.kind === "client" ? "HTTP" : "InProc",
      target: attributes["server.address"] ?? "",
      data: attributes["url.full"] ?? "",
      properties,
      measurements: span.kind === "client" ? { "request.bytes": 412 } : {},
    });
  });
  for (const mark of marks) {
    const { role, id } = mark.span;
    if (mark.kind === "log") items.push(envelope("Message", "MessageData", mark.at, role, id, { message: mark.message, severityLevel: mark.severity, properties: { CategoryName: `${role}.orders` } }));
    if (mark.kind === "event") items.push(envelope("Event", "EventData", mark.at, role, id, { name: mark.name, properties: {} }));
    if (mark.kind === "exception")
      items.push(envelope("Exception", "ExceptionData", mark.at, role, id, { exceptions: [{ typeName: mark.type, message: mark.message, hasFullStack: true, stack: mark.stack }], severityLevel: "Error", properties: {} }));
  }
  return items;
}

/** The logs and exceptions of orders as one OTLP/HTTP JSON request. */
export function toOtlpLogs(orders) {
  const severities = { Information: 9, Warning: 13, Error: 17 };
  const text = (key, raw) => ({ key, value: { stringValue: raw } });
  const records = orders.flatMap(({ trace, marks }) =>
    marks
      .filter((mark) => mark.kind !== "event")
      .map((mark) => ({
        role: mark.span.role,
        record: {
          traceId: trace,
          spanId: mark.span.id,
          timeUnixNano: (BigInt(Math.floor(mark.at * 10_000)) * 100n).toString(),
          severityNumber: severities[mark.severity ?? "Error"],
          ...(mark.kind === "log"
            ? { body: { stringValue: mark.message } }
            : { attributes: [text("exception.type", mark.type), text("exception.message", mark.message), text("exception.stacktrace", mark.stack)] }),
        },
      })),
  );
  const roles = [...new Set(records.map((entry) => entry.role))];
  return {
    resourceLogs: roles.map((role) => ({
      resource: { attributes: [text("service.name", role), text("service.instance.id", `${role}-7c9f`)] },
      scopeLogs: [{ logRecords: records.filter((entry) => entry.role === role).map((entry) => entry.record) }],
    })),
  };
}

/** The spans of orders as one OTLP/HTTP JSON request. */
export function toOtlp(orders) {
  const kinds = { internal: 1, server: 2, client: 3 };
  const nanos = (ms) => (BigInt(Math.floor(ms)) * 1_000_000n + BigInt(Math.round((ms % 1) * 1e6))).toString();
  const value = (raw) => (typeof raw === "number" ? { intValue: String(raw) } : { stringValue: String(raw) });
  const attribute = ([key, raw]) => ({ key, value: value(raw) });
  const roles = new Map();
  for (const { spans } of orders) for (const span of spans) roles.set(span.role, [...(roles.get(span.role) ?? []), span]);
  return {
    resourceSpans: [...roles].map(([role, spans]) => ({
      resource: { attributes: Object.entries({ "service.name": role, "service.instance.id": `${role}-7c9f` }).map(attribute) },
      scopeSpans: [
        {
          scope: { name: "azmon.e2e" },
          spans: spans.map((span) => ({
            traceId: span.trace,
            spanId: span.id,
            parentSpanId: span.parent,
            name: span.name,
            kind: kinds[span.kind],
            startTimeUnixNano: nanos(span.start),
            endTimeUnixNano: nanos(span.start + span.length),
            attributes: Object.entries(span.attributes).map(attribute),
            status: span.ok ? {} : { code: 2 },
          })),
        },
      ],
    })),
  };
}

export async function post(url, type, body) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": type, "content-encoding": "gzip" }, body: gzipSync(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: HTTP ${response.status} ${text.slice(0, 200)}`);
  return text === "" ? {} : JSON.parse(text);
}

export async function sendBreeze(base, envelopes) {
  const answer = await post(`${base}/v2.1/track`, "application/x-json-stream", envelopes.map((envelope) => JSON.stringify(envelope)).join("\n"));
  if (answer.itemsAccepted !== envelopes.length) throw new Error(`${answer.itemsAccepted} of ${envelopes.length} items accepted: ${JSON.stringify(answer.errors).slice(0, 300)}`);
}

export async function sendOtlp(otlpHttp, orders) {
  await post(`${otlpHttp}/v1/traces`, "application/json", JSON.stringify(toOtlp(orders)));
  await post(`${otlpHttp}/v1/logs`, "application/json", JSON.stringify(toOtlpLogs(orders)));
}

/** Sends `count` orders, the last at `now`, every seventh failed, every second one by both ways.
 * @return the orders, newest first */
export async function seedOrders(base, otlpHttp, { count = 60, seed = 20261124, now = Date.now(), overMs = 25 * 60e3 } = {}) {
  const random = generator(seed);
  const orders = [];
  for (let number = 0; number < count; number++) {
    const at = now - 2000 - (overMs * (count - 1 - number)) / count - random() * 4000;
    orders.push(order(random, 1001 + number, at, { failed: number % 7 === 3 }));
  }
  await sendBreeze(base, orders.flatMap(toBreeze));
  await sendOtlp(otlpHttp, orders.filter((_, number) => number % 2 === 1));
  return orders.reverse();
}

/** One transaction of `count` spans, for the test of size. */
export function largeOrder(count, start, seed = 7) {
  const random = generator(seed);
  const { trace, spans } = order(random, 1, start);
  const roles = ["checkout", "order-processor", "receipt", "stock", "mail"];
  const root = spans[0];
  root.length = 5000;
  while (spans.length < count) {
    const parent = spans[Math.floor(random() ** 2 * Math.min(spans.length, 4000))];
    const from = parent.start + random() * parent.length * 0.5;
    const role = roles[Math.floor(random() * roles.length)];
    spans.push({ trace, id: spans.length.toString(16).padStart(16, "0"), parent: parent.id, role, kind: "internal", name: `step ${spans.length}`, start: from, length: Math.max(0.01, (parent.start + parent.length - from) * random()), ok: random() > 0.002, attributes: {} });
  }
  return { trace, spans, marks: [] };
}
