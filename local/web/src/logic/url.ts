// SPDX-License-Identifier: MIT
// The state of the pages as search parameters of the address. Whatever an address says, the result is valid: an unknown
// or broken value counts as absent. Values equal to the default are left out, so addresses stay short.

export const kRanges = ["5m", "30m", "1h", "4h", "24h", "7d", "all"] as const;
export type Range = (typeof kRanges)[number];
export const kDefaultRange: Range = "30m";

const kRangeMs: Record<Range, number | null> = {
  "5m": 5 * 60e3,
  "30m": 30 * 60e3,
  "1h": 3600e3,
  "4h": 4 * 3600e3,
  "24h": 24 * 3600e3,
  "7d": 7 * 86400e3,
  all: null,
};

export const kRangeNames: Record<Range, string> = {
  "5m": "Last 5 minutes",
  "30m": "Last 30 minutes",
  "1h": "Last hour",
  "4h": "Last 4 hours",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  all: "All times",
};

export interface ListState {
  q?: string;
  role?: string;
  result?: "ok" | "failed";
  type?: string;
  app?: string;
  range?: Range;
  /** Milliseconds since 1970; both or neither. They win over `range` and stop the live updates. */
  since?: number;
  until?: number;
  /** Shortest and longest duration shown, milliseconds. */
  min?: number;
  max?: number;
  live?: "off";
}

export interface TraceState {
  /** seq of the chosen item. */
  item?: number;
  find?: string;
  /** The part of the axis on display, milliseconds from the start. */
  from?: number;
  to?: number;
  /** Kinds of marks that are not rows, with commas. */
  hide?: string;
  tab?: "breeze" | "otlp" | "compare";
  /** "off": times as the clients reported them. */
  clocks?: "off";
}

/** What of a metric's points is plotted. */
export const kAggregations = ["avg", "sum", "rate", "min", "max", "last", "count", "p50", "p95", "p99"] as const;
export type Aggregation = (typeof kAggregations)[number];

export interface MetricsState {
  /** Part of a metric's name. */
  q?: string;
  role?: string;
  metric?: string;
  source?: "breeze" | "otlp";
  ns?: string;
  agg?: Aggregation;
  /** A dimension, or "none". */
  split?: string;
  /** Conditions `dimension=value`, one a line. */
  where?: string;
  view?: "table";
  range?: Range;
  /** Milliseconds since 1970; both or neither. */
  since?: number;
  until?: number;
}

export interface LiveViewState {
  /** Only servers of this role. */
  server?: string;
}

type Raw = Record<string, unknown>;

/** Longest text taken from an address; more than any use of it needs. */
const kTextMax = 1000;

function text(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const trimmed = value.trim().slice(0, kTextMax);
  return trimmed === "" ? undefined : trimmed;
}

function number(value: unknown, min = 0): number | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const result = Number(value);
  return Number.isFinite(result) && result >= min ? result : undefined;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find((candidate) => candidate === value);
}

export const kItemTypes = ["request", "dependency", "trace", "exception", "customEvent", "availability", "pageView", "metric"] as const;

/** Drops absent members, so that the router writes no empty parameters. */
function compact<T extends object>(state: T): T {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined)) as T;
}

interface TimeState {
  range?: Range;
  since?: number;
  until?: number;
}

function parseTime(raw: Raw): TimeState {
  let since = number(raw.since);
  let until = number(raw.until);
  if (since === undefined || until === undefined || !(until > since)) since = until = undefined;
  const range = oneOf(raw.range, kRanges);
  return { range: range === kDefaultRange || since !== undefined ? undefined : range, since, until };
}

export function parseMetricsState(raw: Raw): MetricsState {
  const metric = text(raw.metric);
  return compact<MetricsState>({
    q: text(raw.q),
    role: text(raw.role),
    ...(metric === undefined
      ? {}
      : {
          metric,
          source: oneOf(raw.source, ["breeze", "otlp"] as const),
          ns: text(raw.ns),
          agg: oneOf(raw.agg, kAggregations),
          split: text(raw.split),
          where: text(raw.where),
        }),
    view: oneOf(raw.view, ["table"] as const),
    ...parseTime(raw),
  });
}

export function parseLiveState(raw: Raw): LiveViewState {
  return compact<LiveViewState>({ server: text(raw.server) });
}

export function parseListState(raw: Raw): ListState {
  let min = number(raw.min);
  let max = number(raw.max);
  if (min !== undefined && max !== undefined && max < min) min = max = undefined;
  return compact<ListState>({
    q: text(raw.q),
    role: text(raw.role),
    result: oneOf(raw.result, ["ok", "failed"] as const),
    type: oneOf(raw.type, kItemTypes),
    app: text(raw.app),
    ...parseTime(raw),
    min: min === 0 ? undefined : min,
    max,
    live: oneOf(raw.live, ["off"] as const),
  });
}

export function parseTraceState(raw: Raw): TraceState {
  let from = number(raw.from);
  let to = number(raw.to);
  if (from === undefined || to === undefined || !(to > from)) from = to = undefined;
  const item = number(raw.item, 1);
  const hide = text(raw.hide)
    ?.split(",")
    .filter((kind) => kind === "exception" || kind === "log" || kind === "event");
  return compact<TraceState>({
    item: item !== undefined && Number.isSafeInteger(item) ? item : undefined,
    find: text(raw.find),
    from,
    to,
    hide: hide !== undefined && hide.length > 0 ? [...new Set(hide)].sort().join(",") : undefined,
    tab: oneOf(raw.tab, ["breeze", "otlp", "compare"] as const),
    clocks: oneOf(raw.clocks, ["off"] as const),
  });
}

/** Search parameters as plain text, one value a name; the first one wins. */
export function parseSearch(search: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(search)) if (!Object.hasOwn(result, name)) result[name] = value;
  return result;
}

export function stringifySearch(state: Raw): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  const written = query.toString();
  return written === "" ? "" : `?${written}`;
}

/** Updates follow what arrives only while the time range ends now and nobody has paused them. */
export function isLive(state: ListState): boolean {
  return state.live !== "off" && state.since === undefined;
}

/** The time window of a request made at `now`. */
export function timeWindow(state: TimeState, now: number): { since?: string; until?: string } {
  if (state.since !== undefined && state.until !== undefined)
    return { since: new Date(state.since).toISOString(), until: new Date(state.until).toISOString() };
  const ms = kRangeMs[state.range ?? kDefaultRange];
  return ms === null ? {} : { since: new Date(now - ms).toISOString() };
}

/** Free text with one more term. Quotes keep a value with blanks or signs together.
 * @param not whether to exclude it */
export function withTerm(query: string | undefined, term: string, not: boolean): string {
  const quoted = `"${term.replaceAll('"', " ").trim()}"`;
  return [query?.trim(), not ? `NOT ${quoted}` : quoted].filter(Boolean).join(" ");
}
