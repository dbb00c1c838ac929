// SPDX-License-Identifier: MIT
// Numbers and times as text. Pure: the time zone is the runtime's, the clock is an argument.

/** Narrow no-break space: groups digits and joins a number to its unit without ever breaking the line. */
export const kThinSpace = "\u202f";

/** Reads an ISO 8601 timestamp with up to nine decimals; Date.parse alone would cut them to milliseconds.
 * @return milliseconds since 1970 with fraction, or NaN */
export function parseTimestamp(iso: string): number {
  const match = /^(.*T\d{2}:\d{2}:\d{2})\.(\d+)(.*)$/.exec(iso);
  if (match === null) return Date.parse(iso);
  return Date.parse(`${match[1]}${match[3]}`) + Number(`0.${match[2]}`) * 1000;
}

/** Three significant digits and a unit; from a minute on two whole units. Negative and non-finite values give "–". */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms) || ms < 0) return "–";
  if (ms === 0) return `0${kThinSpace}ms`;
  const units: [number, string][] = [
    [1e-6, "ns"],
    [1e-3, "µs"],
    [1, "ms"],
    [1000, "s"],
  ];
  for (const [size, unit] of units) {
    const digits = threeDigits(ms / size);
    // Judged after rounding: 999.6 ms is 1.00 s, never 1000 ms.
    if (Number(digits) < (unit === "s" ? 60 : 1000)) return `${digits}${kThinSpace}${unit}`;
  }
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return twoUnits(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return twoUnits(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return twoUnits(Math.floor(hours / 24), "d", hours % 24, "h");
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const head = `${large}${kThinSpace}${largeUnit}`;
  return small === 0 ? head : `${head} ${small}${kThinSpace}${smallUnit}`;
}

/** A tick of the time axis: no more decimals than the distance between ticks needs. */
export function formatTick(ms: number, step: number): string {
  const largest = Math.abs(ms);
  const [size, unit] = largest >= 1000 || step >= 1000 ? [1000, "s"] : step >= 0.1 ? [1, "ms"] : [1e-3, "µs"];
  if (ms === 0) return `0${kThinSpace}${unit}`;
  const decimals = Math.max(0, Math.min(6, -Math.floor(Math.log10(step / size) + 1e-9)));
  return `${(ms / size).toFixed(decimals)}${kThinSpace}${unit}`;
}

/** A whole number with thin spaces between groups of three digits. */
export function formatCount(count: number): string {
  if (!Number.isFinite(count)) return "–";
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, kThinSpace);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const pad = (value: number, width = 2) => String(value).padStart(width, "0");

/** Time of day in the viewer's zone, with the date in front unless it is today. */
export function formatTime(at: number, now: number, withMilliseconds = true): string {
  if (!Number.isFinite(at)) return "–";
  const date = new Date(at);
  const today = new Date(now);
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}${
    withMilliseconds ? `.${pad(date.getMilliseconds(), 3)}` : ""
  }`;
  const sameDay = date.toDateString() === today.toDateString();
  return sameDay ? clock : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clock}`;
}

/** "12 s ago" under a minute, else null: older times are shown as times only. */
export function formatAge(at: number, now: number): string | null {
  const age = now - at;
  if (!(age >= 0 && age < 60_000)) return null;
  return age < 1000 ? "just now" : `${Math.floor(age / 1000)}${kThinSpace}s ago`;
}

/** The same instant in UTC, for the tooltip of a time. */
export function formatUtc(at: number): string {
  return Number.isFinite(at) ? `${new Date(at).toISOString().replace("T", " ").replace("Z", "")} UTC` : "no valid time";
}

/** The severity levels of Application Insights by number or by name. */
export function severityName(level: number | string | null | undefined): string {
  if (level === null || level === undefined || level === "") return "";
  const names = ["Verbose", "Information", "Warning", "Error", "Critical"];
  return names[Number(level)] ?? String(level);
}
