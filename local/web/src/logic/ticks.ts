// SPDX-License-Identifier: MIT
// Positions of the marks of a time axis.

export interface Ticks {
  step: number;
  values: number[];
}

/** Marks at 1, 2 or 5 times a power of ten, at most `most` of them, inside [from, to]. */
export function niceTicks(from: number, to: number, most: number): Ticks {
  const span = to - from;
  if (!(span > 0) || most < 1) return { step: 1, values: [] };
  const raw = span / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw * (1 - 1e-9)) ?? 10);
  const values: number[] = [];
  // Adding 0 makes a plain zero of the negative one that rounding up may give.
  for (let index = Math.ceil(from / step - 1e-9); index * step <= to + step * 1e-9; index++) values.push(index * step + 0);
  return { step, values };
}

const kClockSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800].map(
  (seconds) => seconds * 1000,
);

/** Marks of a wall-clock axis at round times of the viewer's zone. */
export function clockTicks(from: number, to: number, most: number): Ticks {
  const span = to - from;
  if (!(span > 0) || most < 1) return { step: 1000, values: [] };
  const step = kClockSteps.find((candidate) => span / candidate <= most) ?? Math.ceil(span / most / 86400e3) * 86400e3;
  const offset = new Date(from).getTimezoneOffset() * 60e3;
  const values: number[] = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) values.push(at);
  return { step, values };
}
