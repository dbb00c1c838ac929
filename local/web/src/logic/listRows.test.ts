// SPDX-License-Identifier: MIT
import { expect, test } from "vitest";
import type { TransactionPage, TransactionSummary } from "../api/types";
import { kEmptyRows, mergePage, updateRows } from "./listRows";

const row = (id: number, items = 1): TransactionSummary => ({
  operation_Id: `t${id}`,
  start: new Date(id * 1000).toISOString(),
  duration: 1,
  name: "n",
  success: true,
  roles: [],
  items,
  errors: 0,
  sources: ["breeze"],
});
const page = (ids: number[], next: string | null): TransactionPage => ({ transactions: ids.map((id) => row(id)), next, total: ids.length });
const ids = (rows: TransactionSummary[]) => rows.map((entry) => entry.operation_Id).join(" ");

test("new rows go on top, older ones already loaded stay, and only the new ones are fresh", () => {
  const first = mergePage(kEmptyRows, "k", page([5, 4, 3], "c"));
  const withOlder = { ...first, rows: [...first.rows, row(2), row(1)], next: null };
  const merged = mergePage(withOlder, "k", page([7, 6, 5], "d"));
  expect(ids(merged.rows)).toBe("t7 t6 t5 t4 t3 t2 t1");
  expect([...merged.fresh]).toEqual(["t7", "t6"]);
  expect(merged.next).toBeNull();
});

test("a page that does not touch the rows before starts the list again: there may be a gap", () => {
  const merged = mergePage(mergePage(kEmptyRows, "k", page([2, 1], "c")), "k", page([9, 8], "d"));
  expect(ids(merged.rows)).toBe("t9 t8");
  expect(merged.next).toBe("d");
});

test("a page that is all there is takes away what the server has no more", () => {
  const merged = mergePage(mergePage(kEmptyRows, "k", page([3, 2, 1], null)), "k", page([4, 3], null));
  expect(ids(merged.rows)).toBe("t4 t3");
});

test("other filters start again and mark nothing as new", () => {
  const merged = mergePage(mergePage(kEmptyRows, "k", page([3], null)), "other", page([4, 3], null));
  expect(merged).toMatchObject({ key: "other", fresh: new Set() });
});

test("away from the top rows change in place and none is added", () => {
  const before = mergePage(kEmptyRows, "k", page([2, 1], null));
  const after = updateRows(before, { transactions: [row(3), row(2, 9)], next: null, total: 3 });
  expect(ids(after.rows)).toBe("t2 t1");
  expect(after.rows[0]!.items).toBe(9);
});
