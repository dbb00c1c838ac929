// SPDX-License-Identifier: MIT
import { describe, expect, it } from "vitest";
import type { Metric, MetricChart } from "../api/types";
import { aggregationsOf, formatNumber, formatValue, grouped, groupOf, linesOf, segmentsOf, unitOf, valueRange, withFactsOfTwin } from "./metrics";

const metric = (change: Partial<Metric>): Metric => ({ name: "m", source: "otlp", namespace: "", type: "gauge", roles: [], points: 1, first: "", last: "", ...change });

describe("the list", () => {
  it("groups by what a metric is about and leaves empty groups out", () => {
    expect(groupOf("http.server.request.duration")).toBe("HTTP");
    expect(groupOf("requests/duration")).toBe("Standard metrics");
    expect(groupOf("\\Memory\\Available Bytes")).toBe("Performance counters");
    expect(groupOf("orders.placed")).toBe("Custom");
    expect(grouped([metric({ name: "orders.placed" }), metric({ name: "http.client.request.duration" })]).map((entry) => entry.group)).toEqual(["HTTP", "Custom"]);
  });

  it("takes unit and kind of a Breeze metric from the copy that came by OTLP", () => {
    const breeze = metric({ name: "orders", source: "breeze", type: "" });
    const otlp = metric({ name: "orders", type: "sum", isMonotonic: true, unit: "{order}", temporality: "cumulative" });
    expect(withFactsOfTwin(breeze, [breeze, otlp])).toMatchObject({ source: "breeze", type: "sum", unit: "{order}" });
    expect(withFactsOfTwin(breeze, [breeze])).toBe(breeze);
  });
});

describe("what is plotted", () => {
  it("begins with what a kind is read by", () => {
    expect(aggregationsOf(metric({ type: "histogram" }))[0]).toBe("avg");
    expect(aggregationsOf(metric({ type: "histogram" }))).toContain("p95");
    expect(aggregationsOf(metric({ type: "sum", isMonotonic: true }))[0]).toBe("sum");
    expect(aggregationsOf(metric({ type: "sum", isMonotonic: false }))).toContain("last");
    expect(aggregationsOf(metric({ source: "breeze", type: "histogram" }))).not.toContain("p95");
    expect(aggregationsOf(metric({ source: "breeze", type: "", name: "exceptions/count" }))[0]).toBe("sum");
  });

  it("puts each point at its step", () => {
    const chart = {
      stepMs: 10_000,
      steps: 4,
      splitBy: "cloud_RoleName",
      joined: 2,
      series: [
        { name: "checkout", isRest: false, points: [{ at: 1, count: 4, sum: 20, max: 9 }, { at: 9, count: 1, sum: 1 }] },
        { name: "", isRest: true, points: [{ at: 3, count: 0, sum: 0 }] },
      ],
    } as unknown as MetricChart;
    expect(linesOf(chart, "avg")).toEqual([
      { name: "checkout", isRest: false, values: [null, 5, null, null] },
      { name: "2 more together", isRest: true, values: [null, null, null, null] },
    ]);
    expect(linesOf(chart, "rate")[0]!.values[1]).toBe(2);
    expect(linesOf(chart, "max")[0]!.values[1]).toBe(9);
    expect(linesOf(chart, "p95")[0]!.values[1]).toBeNull();
  });

  it("breaks a line only at gaps that are longer than the usual ones", () => {
    const values = (places: number[]) => Array.from({ length: 60 }, (_, at) => (places.includes(at) ? at : null));
    expect(segmentsOf(values([0, 6, 12, 18, 40, 46]))).toEqual([[0, 6, 12, 18], [40, 46]]);
    expect(segmentsOf(values([3]))).toEqual([[3]]);
    expect(segmentsOf(values([]))).toEqual([]);
  });

  it("has an axis that holds zero and all values", () => {
    expect(valueRange([{ name: "", isRest: false, values: [null, 10, 20] }])).toEqual({ low: 0, high: 21 });
    const below = valueRange([{ name: "", isRest: false, values: [-5, -1] }]);
    expect(below.low).toBe(-5);
    expect(below.high).toBeGreaterThan(0);
    expect(valueRange([])).toEqual({ low: 0, high: 1 });
    expect(valueRange([{ name: "", isRest: false, values: [0] }])).toEqual({ low: 0, high: 1.05 });
  });
});

describe("values", () => {
  it("have the unit of the metric", () => {
    const plain = (text: string) => text.replaceAll("\u202f", " ");
    expect(plain(formatValue(0.0123, "s"))).toBe("12.3 ms");
    expect(plain(formatValue(250, "ms"))).toBe("250 ms");
    expect(plain(formatValue(3, "{order}"))).toBe("3 order");
    expect(plain(formatValue(1536, "By"))).toBe("1.5 KiB");
    expect(plain(formatValue(12.5, "%"))).toBe("12.5 %");
    expect(plain(formatValue(1.5, "{order}/s"))).toBe("1.5 order/s");
    expect(plain(formatValue(7, "1"))).toBe("7");
    expect(formatValue(null, "s")).toBe("–");
    expect(plain(formatValue(-0.5, "s"))).toBe("−500 ms");
  });

  it("are short", () => {
    expect(formatNumber(1234567).replaceAll("\u202f", " ")).toBe("1 234 567");
    expect(formatNumber(0.123456)).toBe("0.1235");
    expect(formatNumber(1e-7)).toBe("1.00e-7");
    expect(formatNumber(0)).toBe("0");
    expect(formatNumber(NaN)).toBe("–");
  });

  it("of a count have no unit, of standard metrics the one that everyone knows", () => {
    expect(unitOf(metric({ unit: "s" }), "count")).toBe("");
    expect(unitOf(metric({ unit: "s" }), "avg")).toBe("s");
    expect(unitOf(metric({ name: "requests/duration", source: "breeze" }), "avg")).toBe("ms");
    expect(unitOf(metric({ unit: "{order}" }), "rate")).toBe("{order}/s");
  });
});
