// SPDX-License-Identifier: MIT
// The only place that talks HTTP to azmon-local. A failure is an ApiError that says what failed, why, and what to do.
import type { Item, LiveMetrics, MetricChart, MetricPage, Source, Stats, Transaction, TransactionPage } from "./types";

/** Rows asked for in one page of the list; the server may give fewer. */
export const kListPageRows = 100;

export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { cache: "no-store", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "azmon-local does not answer.", "Check that the process runs and that this address is right.");
  }
  const text = await response.text();
  let body: unknown = null;
  try {
    body = text === "" ? null : JSON.parse(text);
  } catch {
    if (response.ok) throw new ApiError(response.status, "The answer is not JSON.", "Another program may be listening on this port.");
  }
  if (!response.ok) throw new ApiError(response.status, describe(body) ?? `HTTP ${response.status} ${response.statusText}`, hintFor(response.status));
  return body as T;
}

/** Finds the text of an error answer in the usual shapes: problem+json and `{"error": …}`. */
function describe(body: unknown): string | null {
  if (typeof body !== "object" || body === null) return null;
  const record = body as Record<string, unknown>;
  for (const value of [record.detail, record.message, record.title, record.error]) {
    if (typeof value === "string" && value !== "") return value;
    if (typeof value === "object" && value !== null) {
      const inner = (value as Record<string, unknown>).message;
      if (typeof inner === "string" && inner !== "") return inner;
    }
  }
  return null;
}

function hintFor(status: number): string {
  if (status === 400) return "A filter in the address is not understood. Remove it and try again.";
  if (status === 404) return "It may have been removed by a reset, by the retention, or it has not arrived yet.";
  if (status >= 500) return "Look at the output of azmon-local.";
  return "Reload the page.";
}

export interface ListFilters {
  search?: string;
  role?: string;
  result?: "ok" | "failed";
  itemType?: string;
  iKey?: string;
  /** ISO 8601. */
  since?: string;
  until?: string;
}

export function getTransactions(filters: ListFilters, cursor: string | null, signal?: AbortSignal): Promise<TransactionPage> {
  const query = queryOf({ ...filters, limit: kListPageRows });
  if (cursor !== null) query.set("cursor", cursor);
  return call(`/api/v1/transactions?${query}`, { signal });
}

export const transactionPath = (operationId: string) => `/api/v1/transactions/${encodeURIComponent(operationId)}`;

export function getTransaction(operationId: string, signal?: AbortSignal): Promise<Transaction> {
  return call(transactionPath(operationId), { signal });
}

export function getRawItem(seq: number, signal?: AbortSignal): Promise<unknown> {
  return call(`/api/v1/items/${seq}/raw`, { signal });
}

export interface MetricFilters {
  iKey?: string;
  role?: string;
  since?: string;
  until?: string;
}

/** Metrics asked for in one list; the search narrows what is beyond. */
const kMetricRows = 1000;

function queryOf(values: object): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) query.set(name, String(value));
  return query;
}

export function getMetrics(filters: MetricFilters & { search?: string }, signal?: AbortSignal): Promise<MetricPage> {
  return call(`/api/v1/metrics?${queryOf({ ...filters, limit: kMetricRows })}`, { signal });
}

export interface ChartFilters extends MetricFilters {
  name: string;
  source: Source;
  namespace?: string;
  splitBy?: string;
}

/** @param where conditions `name=value`, all of which must hold */
export function getMetricSeries(filters: ChartFilters, where: readonly string[], signal?: AbortSignal): Promise<MetricChart> {
  const query = queryOf(filters);
  for (const condition of where) query.append("where", condition);
  return call(`/api/v1/metrics/series?${query}`, { signal });
}

export function getLiveMetrics(signal?: AbortSignal): Promise<LiveMetrics> {
  return call("/api/v1/live/metrics", { signal });
}

/** The newest items of all kinds. */
export function getItems(filters: { limit: number }, signal?: AbortSignal): Promise<{ items: Item[] }> {
  return call(`/api/v1/items?${queryOf(filters)}`, { signal });
}

export function getStats(signal?: AbortSignal): Promise<Stats> {
  return call("/api/v1/stats", { signal });
}

export function postReset(): Promise<unknown> {
  // The header keeps other sites from doing this: a cross-site form or script cannot set it without asking first.
  return call("/api/v1/reset", { method: "POST", headers: { "X-Azmon-Local": "1" } });
}
