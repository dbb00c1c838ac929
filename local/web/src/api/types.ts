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
