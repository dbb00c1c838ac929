// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { isLive, parseListState, parseMetricsState, parseSearch, parseTraceState, stringifySearch, timeWindow, withTerm, type ListState } from "./url";

describe("the list's address", () => {
  test("every state survives writing and reading", () => {
    const states: ListState[] = [
      {},
      { q: 'a "b c" NOT d & e=f', role: "order-processor", result: "failed", type: "exception", app: "key", range: "24h", live: "off" },
      { since: 1764000000000, until: 1764000060000, min: 10, max: 500 },
      { q: "123" },
    ];
    for (const state of states) expect(parseListState(parseSearch(stringifySearch({ ...state })))).toEqual(state);
  });

  test("defaults are not written", () => {
    expect(stringifySearch({ ...parseListState({ range: "30m", min: "0" }) })).toBe("");
  });

  test.each([
    [{ range: "2y" }, {}],
    [{ result: "maybe" }, {}],
    [{ type: "<script>" }, {}],
    [{ since: "5", until: "5" }, {}],
    [{ since: "5" }, {}],
    [{ since: "x", until: "9" }, {}],
    [{ min: "9", max: "3" }, {}],
    [{ min: "-1" }, {}],
    [{ q: "   " }, {}],
    [{ live: "on", q: 7 }, {}],
    [{ q: "a", unknown: "b" }, { q: "a" }],
    [{ since: "1", until: "2", range: "7d" }, { since: 1, until: 2 }],
  ])("%j is read as %j", (raw, state) => expect(parseListState(raw)).toEqual(state));

  test("long text is cut", () => expect(parseListState({ q: "x".repeat(5000) }).q).toHaveLength(1000));

  test("names of Object's prototype are no parameters", () => {
    expect(parseSearch("?__proto__=1&constructor=2&q=a").q).toBe("a");
    expect(parseListState(parseSearch("?constructor=2"))).toEqual({});
  });

  test("a fixed range or a pause ends the live updates", () => {
    expect([isLive({}), isLive({ live: "off" }), isLive({ since: 1, until: 2 })]).toEqual([true, false, false]);
  });

  test("the window of a request follows the clock, a fixed one does not", () => {
    expect(timeWindow({}, Date.parse("2026-11-24T12:00:00Z"))).toEqual({ since: "2026-11-24T11:30:00.000Z" });
    expect(timeWindow({ range: "all" }, 0)).toEqual({});
    expect(timeWindow({ since: 0, until: 1000 }, 9e9)).toEqual({ since: "1970-01-01T00:00:00.000Z", until: "1970-01-01T00:00:01.000Z" });
  });

  test("a value becomes one quoted term", () => {
    expect(withTerm(undefined, "place order", false)).toBe('"place order"');
    expect(withTerm("a", 'say "hi"', true)).toBe('a NOT "say  hi"');
  });
});

describe("a transaction's address", () => {
  test("survives writing and reading", () => {
    const state = { item: 42, find: "put", from: 1.5, to: 20, hide: "event,log", tab: "otlp", clocks: "off" } as const;
    expect(parseTraceState(parseSearch(stringifySearch({ ...state })))).toEqual(state);
  });
  test.each([
    [{ item: "0" }, {}],
    [{ item: "1.5" }, {}],
    [{ item: "1e300" }, {}],
    [{ from: "9", to: "3" }, {}],
    [{ from: "9" }, {}],
    [{ hide: "log,log,bars" }, { hide: "log" }],
    [{ hide: "bars" }, {}],
    [{ tab: "html" }, {}],
  ])("%j is read as %j", (raw, state) => expect(parseTraceState(raw)).toEqual(state));
});

describe("the metrics' address", () => {
  test("keeps what belongs to a metric only with the metric", () => {
    expect(parseMetricsState({ agg: "p95", split: "http.route", where: "a=b" })).toEqual({});
    expect(parseMetricsState({ metric: "m", source: "otlp", agg: "p95", split: "http.route", where: "a=b", range: "1h" })).toEqual({
      metric: "m",
      source: "otlp",
      agg: "p95",
      split: "http.route",
      where: "a=b",
      range: "1h",
    });
    expect(parseMetricsState({ metric: "m", source: "both", agg: "median", view: "pie", since: "5", until: "1" })).toEqual({ metric: "m" });
  });
});
