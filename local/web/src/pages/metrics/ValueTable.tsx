// SPDX-License-Identifier: MIT
import type { MetricChart } from "../../api/types";
import { formatTime, formatUtc, parseTimestamp } from "../../logic/format";
import { formatValue, type Line } from "../../logic/metrics";

/** The plot's numbers, newest first; steps without any point are left out. */
export function ValueTable({ chart, lines, unit }: { chart: MetricChart; lines: readonly Line[]; unit: string }) {
  const from = parseTimestamp(chart.from);
  const now = Date.now();
  const steps = Array.from({ length: chart.steps }, (_, at) => chart.steps - 1 - at).filter((at) => lines.some((line) => line.values[at] !== null));
  return (
    <div className="value-table" tabIndex={0} role="region" aria-label="Values as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((line) => (
              <th key={line.name} scope="col" className="number">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((at) => (
            <tr key={at}>
              <th scope="row" title={formatUtc(from + at * chart.stepMs)}>
                {formatTime(from + at * chart.stepMs, now, chart.stepMs < 1000)}
              </th>
              {lines.map((line) => (
                <td key={line.name} className="number">
                  {formatValue(line.values[at] ?? null, unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
