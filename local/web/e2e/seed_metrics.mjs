// SPDX-License-Identifier: MIT
// Metrics for the page's tests, as the SDKs of three services would send them: by OTLP each kind that it has, by Breeze the
// same as aggregates and the standard metrics. Seeded, so that a failure can be replayed.
import { envelopeOf, generator, post, sendBreeze } from "./seed.mjs";

const kRoles = ["checkout", "order-processor", "receipt"];
const kIntervalMs = 15_000;
const kBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const kRoutes = ["/orders", "/orders/{id}"];

const nanos = (ms) => (BigInt(Math.floor(ms)) * 1_000_000n).toString();
const attributes = (bag) => Object.entries(bag).map(([key, value]) => ({ key, value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value } }));
const resourceOf = (role) => ({ attributes: attributes({ "service.name": role, "service.instance.id": `${role}-7c9f` }) });

/** Durations of the requests of one interval, in seconds. */
function durations(random, at, role) {
  const slow = role === "receipt" && Math.sin(at / 240e3) > 0.6 ? 4 : 1;
  return Array.from({ length: 20 + Math.floor(random() * 30 + 15 * Math.sin(at / 180e3)) }, () => (0.004 + 0.05 * random() ** 3) * slow);
}

function explicit(values, bounds = kBounds) {
  const counts = new Array(bounds.length + 1).fill(0);
  for (const value of values) counts[bounds.findIndex((bound) => value <= bound) < 0 ? bounds.length : bounds.findIndex((bound) => value <= bound)]++;
  return counts;
}

const sum = (values) => values.reduce((a, b) => a + b, 0);

/** Sends the metrics of the last `overMs` until `now`, one point an interval.
 * @return what was sent in all, by role: requests and orders */
export async function seedMetrics(base, otlpHttp, { seed = 20261124, now = Date.now(), overMs = 25 * 60e3 } = {}) {
  const random = generator(seed);
  const start = now - overMs;
  const resources = [];
  const envelopes = [];
  const sent = {};
  for (const role of kRoles) {
    const points = { duration: [], orders: [], queue: [], size: [], connections: [] };
    const totals = kRoutes.map(() => ({ counts: new Array(kBounds.length + 1).fill(0), sum: 0, count: 0 }));
    let orders = 0;
    for (let at = start + kIntervalMs; at <= now; at += kIntervalMs) {
      const times = { startTimeUnixNano: nanos(start), timeUnixNano: nanos(at) };
      kRoutes.forEach((route, number) => {
        const all = durations(random, at, role);
        const values = number === 0 ? all : all.slice(0, all.length / 4);
        const total = totals[number];
        explicit(values).forEach((count, bucket) => (total.counts[bucket] += count));
        total.sum += sum(values);
        total.count += values.length;
        const labels = { "http.request.method": number === 0 ? "POST" : "GET", "http.route": route, "http.response.status_code": 200 };
        points.duration.push({ ...times, attributes: attributes(labels), count: String(total.count), sum: total.sum, bucketCounts: total.counts.map(String), explicitBounds: kBounds });
        const properties = Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]));
        const aggregate = { count: values.length, value: sum(values), min: Math.min(...values), max: Math.max(...values), stdDev: 0.01 };
        envelopes.push(metric(at, role, { name: "http.server.request.duration", kind: "Aggregation", ...aggregate }, properties));
        const standard = { count: values.length, value: sum(values) * 1000, min: aggregate.min * 1000, max: aggregate.max * 1000 };
        envelopes.push(metric(at, role, { name: "requests/duration", kind: "Aggregation", ...standard }, { "_MS.MetricId": "requests/duration", "_MS.IsAutocollected": "True", "request/resultCode": "200", "Request.Success": "True" }));
      });
      const placed = 10 + Math.floor(random() * 20);
      orders += placed;
      points.orders.push({ ...times, attributes: attributes({ currency: random() > 0.7 ? "EUR" : "USD" }), asInt: String(orders) });
      envelopes.push(metric(at, role, { name: "orders.placed", value: placed }, { currency: "USD" }));
      points.queue.push({ timeUnixNano: nanos(at), asInt: String(Math.max(0, Math.round(12 + 10 * Math.sin(at / 90e3) + random() * 6))) });
      points.connections.push({ ...times, asInt: String(Math.round(8 + random() * 5)) });
      points.size.push({ startTimeUnixNano: nanos(at - kIntervalMs), timeUnixNano: nanos(at), count: "30", sum: 30 * (1300 + 300 * random()), scale: 2, zeroCount: "0", positive: { offset: 38, bucketCounts: ["4", "10", "9", "5", "2"] }, min: 800, max: 2300 });
    }
    // Each currency would be a stream of its own; one keeps the sum cumulative.
    for (const point of points.orders) point.attributes = attributes({ currency: "USD" });
    sent[role] = { requests: sum(totals.map((total) => total.count)), orders };
    resources.push({
      resource: resourceOf(role),
      scopeMetrics: [
        {
          scope: { name: "azmon.e2e" },
          metrics: [
            { name: "http.server.request.duration", unit: "s", description: "Duration of HTTP server requests", histogram: { aggregationTemporality: 2, dataPoints: points.duration } },
            { name: "orders.placed", unit: "{order}", description: "Orders placed", sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points.orders } },
            { name: "orders.queue", unit: "{order}", description: "Orders that wait", gauge: { dataPoints: points.queue } },
            { name: "http.server.active_requests", unit: "{request}", sum: { aggregationTemporality: 2, isMonotonic: false, dataPoints: points.connections } },
            { name: "receipt.size", unit: "By", description: "Bytes of a receipt", exponentialHistogram: { aggregationTemporality: 1, dataPoints: points.size } },
          ],
        },
      ],
    });
  }
  await sendBreeze(base, envelopes);
  await post(`${otlpHttp}/v1/metrics`, "application/json", JSON.stringify({ resourceMetrics: resources }));
  return sent;
}

function metric(at, role, point, properties) {
  return envelopeOf("Metric", "MetricData", at, { "ai.cloud.role": role, "ai.cloud.roleInstance": `${role}-7c9f` }, { metrics: [point], properties });
}
