// SPDX-License-Identifier: MIT
// Lines over time. Colour, dash and the legend's order tell them apart; a cursor, moved by mouse or arrow keys, reads the values.
import { useId, useMemo } from "react";
import type { MetricChart } from "../../api/types";
import { useWidth } from "../../app/hooks";
import { useTimeBrush } from "../../app/timeBrush";
import { formatTime, parseTimestamp } from "../../logic/format";
import { formatValue, segmentsOf, valueRange, type Line } from "../../logic/metrics";
import { clockTicks, niceTicks } from "../../logic/ticks";
import { dashOf, seriesStyle } from "./seriesStyle";

interface Props {
  chart: MetricChart;
  /** Those that are drawn. */
  lines: readonly Line[];
  /** All, in the order of the legend, which gives each its look. */
  all: readonly Line[];
  unit: string;
  title: string;
  onZoom: (since: number, until: number) => void;
}

const kHeightPx = 300;
const kTickPx = 90;
const kValueTicks = 5;
/** Points of lines with fewer than this are marked. */
const kDotsMax = 60;

export function Plot({ chart, lines, all, unit, title, onZoom }: Props) {
  const [measure, width] = useWidth<HTMLDivElement>();
  const hint = useId();
  const from = parseTimestamp(chart.from);
  const { steps, stepMs } = chart;
  const until = from + steps * stepMs;
  const { plot, hover, brush, handlers } = useTimeBrush(steps, (first, last) => onZoom(Math.floor(from + first * stepMs), Math.ceil(from + (last + 1) * stepMs)));
  const { low, high } = useMemo(() => valueRange(lines), [lines]);
  const values = niceTicks(low, high, kValueTicks);
  const clock = clockTicks(from, until, Math.max(1, Math.floor(width / kTickPx)));
  const now = Date.now();
  const x = (step: number) => ((step + 0.5) / steps) * width;
  const y = (value: number) => kHeightPx - ((value - low) / (high - low)) * kHeightPx;
  const nearest = hover === null ? null : nearestStep(lines, hover);
  const describe = (step: number) =>
    `${formatTime(from + step * stepMs, now, stepMs < 1000)}: ${
      lines.flatMap((line) => (line.values[step] === null ? [] : [`${line.name} ${formatValue(line.values[step]!, unit)}`])).join(", ") || "no points"
    }`;

  return (
    <figure className="plot">
      <div className="plot-values" aria-hidden style={{ height: kHeightPx }}>
        {values.values.map((value) => (
          <span key={value} style={{ top: y(value) }}>
            {formatValue(value, unit)}
          </span>
        ))}
      </div>
      <div className="plot-main" ref={measure}>
        <div
          ref={plot}
          className="plot-area"
          role="slider"
          tabIndex={0}
          aria-label={title}
          aria-describedby={hint}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, steps - 1)}
          aria-valuenow={hover ?? 0}
          aria-valuetext={hover === null ? `${lines.length} lines` : describe(nearest ?? hover)}
          style={{ height: kHeightPx }}
          {...handlers}
        >
          <svg width={width} height={kHeightPx} aria-hidden>
            {values.values.map((value) => (
              <line key={value} className={value === 0 ? "plot-zero" : "plot-grid"} x1={0} x2={width} y1={y(value)} y2={y(value)} />
            ))}
            {clock.values.map((at) => (
              <line key={at} className="plot-grid" x1={((at - from) / (until - from)) * width} x2={((at - from) / (until - from)) * width} y1={0} y2={kHeightPx} />
            ))}
            {nearest !== null && <line className="plot-cursor" x1={x(nearest)} x2={x(nearest)} y1={0} y2={kHeightPx} />}
            {lines.map((line) => {
              const place = all.indexOf(line);
              const segments = segmentsOf(line.values);
              const dotted = segments.reduce((sum, segment) => sum + segment.length, 0) <= kDotsMax;
              return (
                <g key={line.name} style={seriesStyle(line, place, chart.splitBy)} className={line.isRest ? "plot-line plot-rest" : "plot-line"}>
                  {segments.map((segment) => (
                    <polyline key={segment[0]} strokeDasharray={dashOf(place)} points={segment.map((step) => `${x(step).toFixed(1)},${y(line.values[step]!).toFixed(1)}`).join(" ")} />
                  ))}
                  {segments.map((segment) =>
                    dotted || segment.length === 1 ? segment.map((step) => <circle key={step} cx={x(step)} cy={y(line.values[step]!)} r={2} />) : null,
                  )}
                  {nearest !== null && line.values[nearest] !== null && line.values[nearest] !== undefined && <circle className="plot-point" cx={x(nearest)} cy={y(line.values[nearest])} r={4} />}
                </g>
              );
            })}
          </svg>
          {brush !== null && brush.first !== brush.last && (
            <span className="plot-brush" style={{ left: `${(brush.first / steps) * 100}%`, width: `${((brush.last + 1 - brush.first) / steps) * 100}%` }} />
          )}
          {nearest !== null && (
            <div className="plot-tip" style={x(nearest) > width / 2 ? { right: width - x(nearest) + 10 } : { left: x(nearest) + 10 }}>
              <strong>{formatTime(from + nearest * stepMs, now, stepMs < 1000)}</strong>
              {[...lines]
                .filter((line) => line.values[nearest] !== null)
                .sort((a, b) => b.values[nearest]! - a.values[nearest]!)
                .map((line) => (
                  <span key={line.name} className="plot-tip-line">
                    <span className="swatch" style={seriesStyle(line, all.indexOf(line), chart.splitBy)} />
                    <span className="plot-tip-name">{line.name}</span>
                    <span className="number">{formatValue(line.values[nearest]!, unit)}</span>
                  </span>
                ))}
            </div>
          )}
        </div>
        <div className="plot-axis" aria-hidden>
          {clock.values.map((at) => (
            <span key={at} style={{ left: `${((at - from) / (until - from)) * 100}%` }}>
              {formatTime(at, now, false)}
            </span>
          ))}
        </div>
      </div>
      <figcaption id={hint} className="visually-hidden">
        Arrow keys read the values step by step. Shift with the arrow keys marks a range, Enter zooms to it. The same numbers are there as a table.
      </figcaption>
    </figure>
  );
}

/** The step with points that is closest to the pointer: points are often further apart than steps. */
function nearestStep(lines: readonly Line[], step: number): number | null {
  const reach = lines[0]?.values.length ?? 0;
  for (let away = 0; away < reach; away++) {
    for (const at of [step - away, step + away]) if (at >= 0 && at < reach && lines.some((line) => line.values[at] !== null)) return at;
  }
  return null;
}
