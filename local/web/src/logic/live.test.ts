// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { LivePoint, LiveServer } from "../api/types";
import { bestServers, lineOf, newest, withZeros } from "./live";

const point = (ago: number, change: Partial<LivePoint>): LivePoint => ({ ago, requests: 0, requestsFailed: 0, requestMs: 0, dependencies: 0, dependenciesFailed: 0, dependencyMs: 0, exceptions: 0, ...change });
const server = (source: LiveServer["source"], role: string, points: LivePoint[], instance = "1"): LiveServer => ({ source, role, instance, points });

test("a server that came several ways is counted once, by the best of them", () => {
  const all = [server("otlp", "b", []), server("breeze", "b", []), server("live", "a", []), server("otlp", "a", []), server("otlp", "b", [], "2")];
  expect(bestServers(all).map((entry) => [entry.role, entry.instance, entry.source])).toEqual([
    ["a", "1", "live"],
    ["b", "1", "breeze"],
    ["b", "2", "otlp"],
  ]);
});

test("counts are added up, durations are means of calls", () => {
  const servers = [server("live", "a", [point(4, { requests: 3, requestMs: 10 })]), server("live", "b", [point(4, { requests: 1, requestMs: 50 }), point(3, { requests: 2 })])];
  expect(lineOf(servers, "requests", 6)).toEqual([null, 4, 2, null]);
  expect(lineOf(servers, "requestMs", 6)).toEqual([null, 20, 0, null]);
});

test("processor time is a mean, memory a sum, and only where it was sent", () => {
  const servers = [server("live", "a", [point(2, { cpu: 10, memory: 100 })]), server("live", "b", [point(2, { cpu: 30, memory: 50 })]), server("otlp", "c", [point(2, {})])];
  expect(lineOf(servers, "cpu", 3)).toEqual([20]);
  expect(lineOf(servers, "memory", 3)).toEqual([150]);
});

test("a second without items is a zero, a second without a post a gap", () => {
  expect(withZeros([null, 2], [server("otlp", "a", [])])).toEqual([0, 2]);
  expect(withZeros([null, 2], [server("live", "a", [])])).toEqual([null, 2]);
  expect(newest([1, null, null])).toBe(1);
  expect(newest([1, null, null, null, null])).toBeNull();
});
