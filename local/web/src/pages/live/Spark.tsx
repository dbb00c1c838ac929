// SPDX-License-Identifier: MIT
import { segmentsOf } from "../../logic/metrics";

const kWidth = 240;
const kHeight = 44;

/** A line of one value a second, with the area below it. What it shows is in its label. */
export function Spark({ line, label, isBad }: { line: readonly (number | null)[]; label: string; isBad?: boolean }) {
  const most = line.reduce<number>((max, value) => Math.max(max, value ?? 0), 0) || 1;
  const x = (at: number) => (at / Math.max(1, line.length - 1)) * kWidth;
  const y = (value: number) => kHeight - 2 - (value / most) * (kHeight - 6);
  return (
    <svg className={isBad ? "spark spark-bad" : "spark"} viewBox={`0 0 ${kWidth} ${kHeight}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {segmentsOf(line).map((places) => {
        const points = places.map((at) => `${x(at).toFixed(1)},${y(line[at]!).toFixed(1)}`).join(" ");
        return (
          <g key={places[0]}>
            <polygon points={`${x(places[0]!).toFixed(1)},${kHeight} ${points} ${x(places.at(-1)!).toFixed(1)},${kHeight}`} />
            <polyline points={points} />
          </g>
        );
      })}
    </svg>
  );
}
