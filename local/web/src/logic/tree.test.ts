// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import type { Item } from "../api/types";
import { buildTrace, rowTitle, visibleRows, type TraceModel } from "./tree";

let nextSeq = 0;
const kStart = Date.parse("2026-11-24T12:00:00Z");

function item(change: Partial<Item> & { at?: number }): Item {
  const { at = 0, ...rest } = change;
  return {
    seq: ++nextSeq,
    source: "breeze",
    itemType: "dependency",
    timestamp: new Date(kStart + at).toISOString(),
    duration: 10,
    operation_Id: "trace",
    cloud_RoleName: "a",
    success: true,
    ...rest,
  };
}

/** The tree as indented ids or titles. */
function outline(model: TraceModel): string[] {
  return model.rows.map((row) => `${"  ".repeat(row.level - 1)}${row.item.id ?? rowTitle(row.item)}`);
}

describe("tree", () => {
  test("children stand below their parent by start time, whatever the order of arrival", () => {
    const model = buildTrace([
      item({ id: "late", operation_ParentId: "root", at: 6, duration: 1 }),
      item({ id: "root", operation_ParentId: "", at: 0, duration: 10 }),
      item({ id: "early", operation_ParentId: "root", at: 2, duration: 1 }),
      item({ id: "inner", operation_ParentId: "early", at: 2.5, duration: 0.2 }),
    ]);
    expect(outline(model)).toEqual(["root", "  early", "    inner", "  late"]);
    expect(model.rows.map((row) => row.end)).toEqual([4, 3, 3, 4]);
    expect(model.length).toBe(10);
  });

  test("a root whose parent is the operation itself is not an orphan", () => {
    const model = buildTrace([item({ id: "root", operation_ParentId: "trace" })]);
    expect(model.rows[0]).toMatchObject({ parent: -1, missingParent: null });
  });

  test("a row whose parent was not received is a root and names the parent", () => {
    const model = buildTrace([item({ id: "root", at: 0 }), item({ id: "lost", operation_ParentId: "gone", at: 1 })]);
    expect(outline(model)).toEqual(["root", "lost"]);
    expect(model.rows[1]!.missingParent).toBe("gone");
  });

  test("a span received by both ways is one row that shows the Breeze item", () => {
    const model = buildTrace([
      item({ id: "one", source: "otlp", name: "by otlp" }),
      item({ id: "one", source: "breeze", name: "by breeze" }),
    ]);
    expect(model.rows).toHaveLength(1);
    expect(model.both).toBe(1);
    expect(model.rows[0]!.item.name).toBe("by breeze");
    expect(model.rows[0]!.received.map((received) => received.source)).toEqual(["breeze", "otlp"]);
  });

  test("the same id twice from one source stays two rows", () => {
    const model = buildTrace([item({ id: "one" }), item({ id: "one", at: 1 }), item({ id: "one", source: "otlp" })]);
    expect(model.rows).toHaveLength(2);
    expect(model.rows.map((row) => row.received.length)).toEqual([2, 1]);
  });

  test("a log received by both ways is one row, different logs of one moment are not", () => {
    const log = { itemType: "trace", operation_ParentId: "root", message: "hello" } as const;
    const model = buildTrace([
      item({ id: "root" }),
      item({ ...log, at: 1, timestamp: "2026-11-24T12:00:00.0010000Z" }),
      item({ ...log, source: "otlp", timestamp: "2026-11-24T12:00:00.0010004Z" }),
      item({ ...log, message: "other", source: "otlp", at: 1 }),
    ]);
    expect(model.rows.map((row) => row.received.length)).toEqual([1, 2, 1]);
  });

  test("a circle of parents is cut at its earliest row and loses nothing", () => {
    const model = buildTrace([
      item({ id: "a", operation_ParentId: "c", at: 2 }),
      item({ id: "b", operation_ParentId: "a", at: 1 }),
      item({ id: "c", operation_ParentId: "b", at: 3 }),
      item({ id: "hanger-on", operation_ParentId: "c", at: 4 }),
    ]);
    expect(model.rows.map((row) => row.item.id).sort()).toEqual(["a", "b", "c", "hanger-on"]);
    expect(model.rows[0]).toMatchObject({ cycle: true, level: 1 });
    expect(model.rows[0]!.item.id).toBe("b");
    expect(model.rows.filter((row) => row.cycle)).toHaveLength(1);
  });

  test("a row that is its own parent is a root", () => {
    const model = buildTrace([item({ id: "self", operation_ParentId: "self" })]);
    expect(model.rows[0]).toMatchObject({ parent: -1, cycle: true });
  });

  test("100,000 rows in one chain do not overflow the stack", () => {
    const items = Array.from({ length: 100_000 }, (_, at) => item({ id: `s${at}`, operation_ParentId: at === 0 ? "" : `s${at - 1}`, at: 0, duration: 1 }));
    const model = buildTrace(items);
    expect(model.rows).toHaveLength(100_000);
    expect(model.rows.at(-1)!.level).toBe(100_000);
  });

  test("100,000 copies of one id are handled in linear time", () => {
    const items = Array.from({ length: 100_000 }, (_, at) => item({ id: "same", source: at % 2 === 0 ? "breeze" : "otlp" }));
    const started = performance.now();
    expect(buildTrace(items).rows).toHaveLength(50_000);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("no items give no rows and a defined axis", () => {
    expect(buildTrace([])).toMatchObject({ rows: [], length: 1, failures: 0 });
  });

  test("a broken timestamp takes the place of its parent", () => {
    const model = buildTrace([item({ id: "root", at: 0 }), item({ id: "broken", operation_ParentId: "root", timestamp: "soon" })]);
    expect(model.rows[1]).toMatchObject({ start: 0 });
    expect(model.length).toBe(10);
  });
});

describe("clocks", () => {
  const call = { id: "call", itemType: "dependency", cloud_RoleName: "a", at: 100, duration: 50 } as const;

  test("a request that starts before its call is moved into it, with what runs on the same clock", () => {
    const model = buildTrace([
      item(call),
      item({ id: "serve", itemType: "request", operation_ParentId: "call", cloud_RoleName: "b", at: 20, duration: 30 }),
      item({ id: "inside", operation_ParentId: "serve", cloud_RoleName: "b", at: 25, duration: 5 }),
    ]);
    const [root, serve, inside] = model.rows;
    expect(root!.skew).toBe(0);
    expect(serve!.start - root!.start).toBeCloseTo(10);
    expect(inside!.start - serve!.start).toBeCloseTo(5);
    expect(serve!.skew).toBeCloseTo(90);
    expect(serve!.paired).toBe(true);
  });

  test("nothing moves when the reader asks for the clients' own times", () => {
    const items = [item(call), item({ id: "serve", itemType: "request", operation_ParentId: "call", cloud_RoleName: "b", at: 20, duration: 30 })];
    const model = buildTrace(items, false);
    expect(model.rows.map((row) => row.skew)).toEqual([0, 0]);
    expect(model.rows[1]!.start).toBe(0);
    expect(model.rows[0]!.start).toBe(80);
  });

  test("work that outlives the call is left where it is", () => {
    const model = buildTrace([item(call), item({ id: "job", itemType: "request", operation_ParentId: "call", cloud_RoleName: "b", at: 400, duration: 500 })]);
    expect(model.rows[1]).toMatchObject({ skew: 0, start: 300 });
  });

  test("a child of the same process is never moved", () => {
    const model = buildTrace([item(call), item({ id: "odd", operation_ParentId: "call", cloud_RoleName: "a", at: 20, duration: 30 })]);
    expect(model.rows[1]!.skew).toBe(0);
  });
});

describe("rows on display", () => {
  const items = () => [
    item({ id: "root" }),
    item({ id: "child", operation_ParentId: "root", at: 1 }),
    item({ itemType: "trace", message: "log", operation_ParentId: "child", at: 2 }),
    item({ itemType: "exception", message: "boom", operation_ParentId: "root", at: 3 }),
    item({ itemType: "trace", message: "stray", operation_ParentId: "gone", at: 4 }),
  ];

  test("marks hang on the bar of their span", () => {
    const model = buildTrace(items());
    expect(model.rows[0]!.marks.map((at) => rowTitle(model.rows[at]!.item))).toEqual(["boom"]);
    expect(model.rows[0]!.failed).toBe(false);
    expect(model.failures).toBe(1);
  });

  test("folding hides what is below and nothing else", () => {
    const model = buildTrace(items());
    expect(visibleRows(model, new Set([1]), new Set()).map((entry) => entry.row.index)).toEqual([0, 1, 3, 4]);
    expect(visibleRows(model, new Set([0]), new Set()).map((entry) => entry.row.index)).toEqual([0, 4]);
  });

  test("hidden kinds have no rows, save those that hang on no bar", () => {
    const model = buildTrace(items());
    const shown = visibleRows(model, new Set(), new Set(["log"]));
    expect(shown.map((entry) => rowTitle(entry.row.item))).toEqual(["(dependency without a name)", "(dependency without a name)", "boom", "stray"]);
    expect(shown[1]!.hasChildren).toBe(false);
  });

  test("positions count the rows on display only", () => {
    const model = buildTrace(items());
    const shown = visibleRows(model, new Set(), new Set(["exception"]));
    const child = shown.find((entry) => entry.row.item.id === "child")!;
    expect([child.position, child.siblings]).toEqual([1, 1]);
    expect(shown.filter((entry) => entry.row.parent < 0).map((entry) => [entry.position, entry.siblings])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });
});
