// SPDX-License-Identifier: MIT
// How a fresh first page meets the rows already on display. Pure.
import { parseTimestamp } from "./format";
import type { TransactionPage, TransactionSummary } from "../api/types";

export interface ListRows {
  /** The filters these rows belong to; null before the first answer. */
  key: string | null;
  /** Newest first. */
  rows: TransactionSummary[];
  /** Where older rows go on, null at the end. */
  next: string | null;
  /** Ids that the last merge added. */
  fresh: ReadonlySet<string>;
}

export const kEmptyRows: ListRows = { key: null, rows: [], next: null, fresh: new Set() };

/** Puts the newest page in. Rows the page no longer has are kept below it only if the two overlap: otherwise there may
 * be a gap between them, and the list starts again from the page. */
export function mergePage(before: ListRows, key: string, page: TransactionPage): ListRows {
  if (before.key !== key) return { key, rows: page.transactions, next: page.next, fresh: new Set() };
  const known = new Set(before.rows.map((row) => row.operation_Id));
  const fresh = new Set(page.transactions.filter((row) => !known.has(row.operation_Id)).map((row) => row.operation_Id));
  const overlaps = fresh.size < page.transactions.length;
  if (page.next === null || !overlaps) return { key, rows: page.transactions, next: page.next, fresh };
  const rows = new Map(before.rows.map((row) => [row.operation_Id, row]));
  for (const row of page.transactions) rows.set(row.operation_Id, row);
  return { key, rows: [...rows.values()].sort(newestFirst), next: before.next, fresh };
}

/** Gives the rows on display their new values and adds none. */
export function updateRows(before: ListRows, page: TransactionPage): ListRows {
  const latest = new Map(page.transactions.map((row) => [row.operation_Id, row]));
  return { ...before, rows: before.rows.map((row) => latest.get(row.operation_Id) ?? row), fresh: new Set() };
}

function newestFirst(a: TransactionSummary, b: TransactionSummary): number {
  return parseTimestamp(b.start) - parseTimestamp(a.start) || (a.operation_Id < b.operation_Id ? 1 : -1);
}
