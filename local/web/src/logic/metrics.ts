// SPDX-License-Identifier: MIT
// How metrics are grouped, which numbers of theirs are plotted, and how values look. Pure.
import type { Metric, MetricChart, Series, SeriesPoint } from "../api/types";
import { formatDuration, kThinSpace } from "./format";
import type { Aggregation } from "./url";

export const kGroups = ["HTTP", "Standard metrics", "Performance counters", "Runtime and process", "Custom"] as const;
export type Group = (typeof kGroups)[number];

/** The metrics that Application Insights derives from requests, dependencies, exceptions and logs. */
const kStandard = new Set(["requests/duration", "dependencies/duration", "exceptions/count", "traces/count", "requests/count", "requests/failed"]);

export function groupOf(name: string): Group {
  if (/^http\.(server|client)\./.test(name)) return "HTTP";
  if (kStandard.has(name)) return "Standard metrics";
  if (name.startsWith("\\")) return "Performance counters";
  if (/^(process|system|runtime|jvm|dotnet|nodejs|v8js|cpython|go)\./.test(name)) return "Runtime and process";
  return "Custom";
}

/** Metrics under their group's heading, both in their fixed order. */
export function grouped(metrics: readonly Metric[]): { group: Group; metrics: Metric[] }[] {
  const byGroup = new Map<Group, Metric[]>(kGroups.map((group) => [group, []]));
  for (const metric of metrics) byGroup.get(groupOf(metric.name))!.push(metric);
  return [...byGroup].map(([group, members]) => ({ group, metrics: members })).filter((entry) => entry.metrics.length > 0);
}

export const metricKey = (metric: Pick<Metric, "name" | "source" | "namespace">) => JSON.stringify([metric.name, metric.source, metric.namespace]);

export const kAggregationNames: Record<Aggregation, string> = {
  avg: "Average",
  sum: "Sum",
  rate: "Rate a second",
  min: "Smallest",
  max: "Largest",
  last: "Last value",
  count: "Count",
  p50: "Median (p50)",
  p95: "95th percentile",
  p99: "99th percentile",
};

export type Facts = Pick<Metric, "name" | "source" | "type" | "unit" | "temporality" | "isMonotonic" | "description">;

/** Breeze says neither unit nor kind. Where the same metric also came by OTLP, that copy tells. */
export function withFactsOfTwin(metric: Metric, all: readonly Metric[]): Facts {
  if (metric.source !== "breeze") return metric;
  const twin = all.find((other) => other.source === "otlp" && other.name === metric.name);
  if (twin === undefined) return metric;
  return { ...twin, source: metric.source, temporality: undefined };
}

function isDistribution(type: string): boolean {
  return type === "histogram" || type === "exponentialHistogram" || type === "summary";
}

/** What can be plotted of a metric; the first one is shown unless another is chosen. */
export function aggregationsOf(facts: Facts): Aggregation[] {
  if (facts.source === "otlp" && facts.type !== "summary" && isDistribution(facts.type)) return ["avg", "p50", "p95", "p99", "min", "max", "sum", "count"];
  if (isDistribution(facts.type)) return ["avg", "min", "max", "sum", "count"];
  if (facts.type === "sum" && facts.isMonotonic !== false) return ["sum", "rate"];
  if (facts.type === "gauge" || facts.type === "sum") return ["avg", "min", "max", "last"];
  return /(^|[./_])count$/.test(facts.name) ? ["sum", "rate", "avg", "min", "max", "count"] : ["avg", "sum", "rate", "min", "max", "count"];
}

/** The number of a step that is plotted; null where it has none. */
export function valueOf(point: SeriesPoint, aggregation: Aggregation, stepMs: number): number | null {
  switch (aggregation) {
    case "avg":
      return point.count > 0 ? point.sum / point.count : null;
    case "rate":
      return point.sum / (stepMs / 1000);
    case "sum":
    case "count":
      return point[aggregation];
    default:
      return point[aggregation] ?? null;
  }
}

export interface Line {
  name: string;
  isRest: boolean;
  /** One a step; null where there is nothing. */
  values: (number | null)[];
}

export function linesOf(chart: MetricChart, aggregation: Aggregation): Line[] {
  return chart.series.map((series) => {
    const values = new Array<number | null>(chart.steps).fill(null);
    for (const point of series.points) if (point.at < chart.steps) values[point.at] = valueOf(point, aggregation, chart.stepMs);
    return { name: seriesName(series, chart), isRest: series.isRest, values };
  });
}

function seriesName(series: Series, chart: MetricChart): string {
  if (series.isRest) return `${chart.joined} more together`;
  if (chart.splitBy === "") return "all";
  return series.name === "" ? "(none)" : series.name;
}

/** Parts of a line to draw without a break. Points come at an interval of their own, which may be longer than a step, so a break is a gap
 * that is clearly longer than the usual one. */
export function segmentsOf(values: readonly (number | null)[]): number[][] {
  const places = values.flatMap((value, at) => (value === null ? [] : [at]));
  const gaps = places.slice(1).map((at, index) => at - places[index]!);
  const usual = gaps.length === 0 ? 1 : [...gaps].sort((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)]!;
  const segments: number[][] = [];
  places.forEach((at, index) => {
    if (index > 0 && gaps[index - 1]! <= Math.max(2, 2.5 * usual)) segments.at(-1)!.push(at);
    else segments.push([at]);
  });
  return segments;
}

/** The value axis: holds zero and all values, with some room above. */
export function valueRange(lines: readonly Line[]): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const line of lines)
    for (const value of line.values) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (low > high) return { low: 0, high: 1 };
  if (low >= 0) low = 0;
  if (high <= 0 && low < 0) high = 0;
  if (low === high) high = low + 1;
  return { low, high: high + (high - low) * 0.05 };
}

/** A number with four significant digits and thin spaces between groups of three. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(2).replace("e+", "e");
  const text = size >= 1000 ? Math.round(value).toString() : Number(value.toPrecision(4)).toString();
  const [whole, fraction] = text.split(".");
  const spaced = whole!.replace(/\B(?=(\d{3})+$)/g, kThinSpace);
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

const kBytes = ["B", "KiB", "MiB", "GiB", "TiB"];

function formatBytes(value: number): string {
  let size = Math.abs(value);
  let unit = 0;
  while (size >= 1024 && unit < kBytes.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${value < 0 ? "−" : ""}${formatNumber(Number(size.toPrecision(4)))}${kThinSpace}${kBytes[unit]}`;
}

/** The metrics of Application Insights whose unit is fixed, though Breeze does not say it. */
const kKnownUnits: Record<string, string> = {
  "requests/duration": "ms",
  "dependencies/duration": "ms",
  "\\Process(??APP_WIN32_PROC??)\\Private Bytes": "By",
  "\\Memory\\Available Bytes": "By",
  "\\Process(??APP_WIN32_PROC??)\\% Processor Time": "%",
  "\\Process(??APP_WIN32_PROC??)\\% Processor Time Normalized": "%",
  "\\Processor(_Total)\\% Processor Time": "%",
};

const kTimeUnits: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, min: 60e3, h: 3600e3 };

/** The unit in which values of this plot are told: a count has none. */
export function unitOf(facts: Facts, aggregation: Aggregation): string {
  if (aggregation === "count") return "";
  const unit = facts.unit || kKnownUnits[facts.name] || "";
  return aggregation === "rate" ? `${unit}/s` : unit;
}

/** A value with its unit: units of UCUM as OpenTelemetry uses them. */
export function formatValue(value: number | null, unit: string): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const rate = unit.endsWith("/s");
  const base = rate ? unit.slice(0, -2) : unit;
  const after = rate ? "/s" : "";
  const ms = kTimeUnits[base];
  if (ms !== undefined) return `${value < 0 ? "−" : ""}${formatDuration(Math.abs(value) * ms)}${after}`;
  if (base === "By") return `${formatBytes(value)}${after}`;
  const word = base === "1" || base === "" ? "" : base === "%" ? `${kThinSpace}%` : `${kThinSpace}${base.replaceAll(/[{}]/g, "")}`;
  return `${formatNumber(value)}${word}${after}`;
}
