// SPDX-License-Identifier: MIT
// What the API under /api/v1 answers. Everything here comes from outside: fields that Application Insights calls optional
// are optional here, and nothing of it is ever put into the page as HTML.

export type Source = "breeze" | "otlp";

export interface Item {
  seq: number;
  source: Source;
  itemType: string;
  /** ISO 8601 in UTC, up to seven decimals of a second. */
  timestamp: string;
  /** Milliseconds; spans only. */
  duration?: number | null;
  name?: string | null;
  operation_Id?: string | null;
  id?: string | null;
  operation_ParentId?: string | null;
  cloud_RoleName?: string | null;
  cloud_RoleInstance?: string | null;
  success?: boolean | null;
  resultCode?: string | null;
  type?: string | null;
  target?: string | null;
  data?: string | null;
  url?: string | null;
  message?: string | null;
  severityLevel?: number | string | null;
  itemCount?: number | null;
  customDimensions?: Record<string, unknown> | null;
  customMeasurements?: Record<string, unknown> | null;
  exceptionType?: string | null;
  stack?: string | null;
  links?: { operation_Id?: string; id?: string }[] | null;
  iKey?: string | null;
  [other: string]: unknown;
}

export interface TransactionSummary {
  operation_Id: string;
  start: string;
  duration: number;
  name: string;
  success: boolean;
  /** In call order. */
  roles: string[];
  items: number;
  errors: number;
  sources: Source[];
}

export interface Histogram {
  from: string;
  stepMs: number;
  counts: { ok: number; failed: number }[];
}

export interface TransactionPage {
  transactions: TransactionSummary[];
  next: string | null;
  total: number;
  histogram?: Histogram | null;
}

export interface Transaction {
  operation_Id: string;
  start: string;
  duration: number;
  roles: string[];
  items: Item[];
}

/** A metric as it came one way. */
export interface Metric {
  name: string;
  source: Source;
  namespace: string;
  /** gauge, sum, histogram, exponentialHistogram, summary by OTLP; Measurement or Aggregation, or nothing, by Breeze. */
  type: string;
  unit?: string;
  description?: string;
  temporality?: string;
  isMonotonic?: boolean;
  roles: string[];
  points: number;
  first: string;
  last: string;
}

export interface MetricPage {
  metrics: Metric[];
  total: number;
}

export interface SeriesPoint {
  /** Number of the step. */
  at: number;
  count: number;
  sum: number;
  min?: number;
  max?: number;
  last?: number;
  p50?: number;
  p95?: number;
  p99?: number;
}

export interface Series {
  name: string;
  /** All values together that have no series of their own. */
  isRest: boolean;
  points: SeriesPoint[];
}

export interface MetricChart {
  name: string;
  source: Source;
  namespace: string;
  type: string;
  unit?: string;
  description?: string;
  temporality?: string;
  isMonotonic?: boolean;
  from: string;
  stepMs: number;
  steps: number;
  splitBy: string;
  series: Series[];
  joined: number;
  dimensions: { name: string; values: string[]; hasMore: boolean }[];
  points: number;
  isCut: boolean;
}

/** One second of a server. */
export interface LivePoint {
  /** Seconds before the answer. */
  ago: number;
  requests: number;
  requestsFailed: number;
  requestMs: number;
  dependencies: number;
  dependenciesFailed: number;
  dependencyMs: number;
  exceptions: number;
  cpu?: number;
  memory?: number;
}

export interface LiveServer {
  /** live: its SDK sends Live Metrics; else its exported items are counted. */
  source: "live" | Source;
  role: string;
  instance: string;
  machine?: string;
  version?: string;
  points: LivePoint[];
}

export interface LiveMetrics {
  now: string;
  seconds: number;
  servers: LiveServer[];
  /** Samples, newest first. */
  documents: { number: number; time: string; type: string; role: string; name: string; detail: string; result: string; duration?: number }[];
}

export interface Stats {
  items: number;
  transactions: number;
  bySource: Partial<Record<Source, number>>;
  rejected: number;
  connectionString: string;
  otlpGrpc: string;
  otlpHttp: string;
  version: string;
  startedAt: string;
  applications?: { iKey: string; items: number }[];
}
