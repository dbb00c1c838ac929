// SPDX-License-Identifier: MIT
import type { MetricChart } from "../../api/types";
import { formatValue, type Line } from "../../logic/metrics";
import { dashOf, seriesStyle } from "./seriesStyle";

interface Props {
  chart: MetricChart;
  lines: readonly Line[];
  hidden: ReadonlySet<string>;
  unit: string;
  onToggle: (name: string) => void;
}

/** The lines with their smallest, largest and newest values; a press hides or shows one. */
export function Legend({ chart, lines, hidden, unit, onToggle }: Props) {
  return (
    <table className="legend-table">
      <thead>
        <tr>
          <th scope="col">{chart.splitBy === "" ? "Line" : chart.splitBy === "cloud_RoleName" ? "Role" : chart.splitBy}</th>
          <th scope="col">Lowest</th>
          <th scope="col">Highest</th>
          <th scope="col">Newest</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line, place) => {
          const values = line.values.filter((value) => value !== null);
          return (
            <tr key={line.name} className={hidden.has(line.name) ? "line-hidden" : ""}>
              <th scope="row">
                <button type="button" className="legend-button" aria-pressed={!hidden.has(line.name)} title={hidden.has(line.name) ? "Show this line" : "Hide this line"} onClick={() => onToggle(line.name)}>
                  <svg className="legend-stroke" width="22" height="10" aria-hidden style={seriesStyle(line, place, chart.splitBy)}>
                    <line x1="1" x2="21" y1="5" y2="5" strokeDasharray={dashOf(place)} />
                  </svg>
                  <span>{line.name}</span>
                </button>
              </th>
              <td className="number">{formatValue(least(values), unit)}</td>
              <td className="number">{formatValue(most(values), unit)}</td>
              <td className="number">{formatValue(values.at(-1) ?? null, unit)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const least = (values: readonly number[]) => (values.length === 0 ? null : values.reduce((a, b) => Math.min(a, b)));
const most = (values: readonly number[]) => (values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b)));
