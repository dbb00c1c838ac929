// SPDX-License-Identifier: MIT
import { describe, expect, test } from "vitest";
import { formatAge, formatCount, formatDuration, formatTick, formatTime, formatUtc, parseTimestamp, plural, severityName } from "./format";
import { clockTicks, niceTicks } from "./ticks";

const plain = (text: string) => text.replaceAll("\u202f", " ");

describe("durations", () => {
  test.each([
    [0, "0 ms"],
    [0.0000005, "0.50 ns"],
    [0.000123, "123 ns"],
    [0.0456, "45.6 µs"],
    [0.9994, "999 µs"],
    [0.9996, "1.00 ms"],
    [1, "1.00 ms"],
    [12.345, "12.3 ms"],
    [99.94, "99.9 ms"],
    [99.96, "100 ms"],
    [999.4, "999 ms"],
    [999.6, "1.00 s"],
    [1234, "1.23 s"],
    [59_940, "59.9 s"],
    [59_960, "1 min"],
    [83_400, "1 min 23 s"],
    [3_599_600, "1 h"],
    [5_400_000, "1 h 30 min"],
    [90 * 3_600_000, "3 d 18 h"],
  ])("%d ms is %s", (ms, text) => expect(plain(formatDuration(ms))).toBe(text));

  test.each([null, undefined, NaN, Infinity, -1])("%s is a dash", (value) => expect(formatDuration(value)).toBe("–"));
});

describe("timestamps", () => {
  test("tenths of a microsecond survive", () => {
    const at = parseTimestamp("2026-11-24T12:00:00.1234567Z");
    expect(at - Date.parse("2026-11-24T12:00:00Z")).toBeCloseTo(123.4567, 3);
  });
  test("an offset counts, no fraction is fine", () => {
    expect(parseTimestamp("2026-11-24T13:00:00.5+01:00")).toBe(Date.parse("2026-11-24T12:00:00.500Z"));
    expect(parseTimestamp("2026-11-24T12:00:00Z")).toBe(Date.parse("2026-11-24T12:00:00Z"));
  });
  test("nonsense is NaN and shows as a dash", () => {
    expect(parseTimestamp("yesterday")).toBeNaN();
    expect(formatTime(NaN, 0)).toBe("–");
    expect(formatUtc(NaN)).toBe("no valid time");
  });
  test("today has no date, other days do", () => {
    const at = new Date(2026, 10, 24, 9, 5, 3, 7).getTime();
    expect(formatTime(at, new Date(2026, 10, 24, 23).getTime())).toBe("09:05:03.007");
    expect(formatTime(at, new Date(2026, 10, 25, 1).getTime(), false)).toBe("2026-11-24 09:05:03");
  });
  test("relative only under a minute, never of the future", () => {
    expect(plain(formatAge(1000, 13_400)!)).toBe("12 s ago");
    expect(formatAge(1000, 1500)).toBe("just now");
    expect(formatAge(0, 60_000)).toBeNull();
    expect(formatAge(2000, 1000)).toBeNull();
  });
});

describe("counts", () => {
  test("thin spaces between groups", () => {
    expect(plain(formatCount(1234567))).toBe("1 234 567");
    expect(formatCount(999)).toBe("999");
    expect(formatCount(NaN)).toBe("–");
  });
  test("plural", () => expect([plural(1, "item"), plural(2, "item"), plural(0, "error")]).toEqual(["1 item", "2 items", "0 errors"]));
  test("severity by number or name", () => expect([severityName(2), severityName("3"), severityName("Warning"), severityName(null)]).toEqual(["Warning", "Error", "Warning", ""]));
});

describe("ticks", () => {
  test("round steps, not more than asked for", () => {
    expect(niceTicks(0, 78.5, 5)).toEqual({ step: 20, values: [0, 20, 40, 60] });
    for (const [from, to] of [
      [0, 1],
      [3, 7.7],
      [0, 0.00031],
      [1e6, 2.5e6],
    ] as const)
      for (let most = 1; most < 12; most++) expect(niceTicks(from, to, most).values.length).toBeLessThanOrEqual(most + 1);
  });
  test("an empty range has none", () => expect(niceTicks(5, 5, 4).values).toEqual([]));
  test("labels have the decimals that the step needs", () => {
    expect(plain(formatTick(0.5, 0.1))).toBe("0.5 ms");
    expect(plain(formatTick(20, 20))).toBe("20 ms");
    expect(plain(formatTick(1500, 500))).toBe("1.5 s");
    expect(plain(formatTick(0.02, 0.01))).toBe("20 µs");
  });
  test("clock ticks fall on round times inside the range", () => {
    const from = new Date(2026, 10, 24, 9, 3, 20).getTime();
    const { values, step } = clockTicks(from, from + 30 * 60e3, 7);
    expect(step).toBe(300e3);
    expect(values.every((at) => at >= from && new Date(at).getMinutes() % 5 === 0 && new Date(at).getSeconds() === 0)).toBe(true);
  });
});
