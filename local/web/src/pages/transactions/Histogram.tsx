// SPDX-License-Identifier: MIT
// Counts over time, failed ones on top in the error colour. Dragging over it, or Shift with the arrow keys, chooses a
// time range.
import { useMemo } from "react";
import type { Histogram as Data } from "../../api/types";
import { useWidth } from "../../app/hooks";
import { useTimeBrush } from "../../app/timeBrush";
import { formatCount, formatTime, parseTimestamp, plural } from "../../logic/format";
import { clockTicks } from "../../logic/ticks";

interface Props {
  data: Data;
  onZoom: (since: number, until: number) => void;
}

/** Room a tick label takes, in pixels. */
const kTickPx = 90;

export function Histogram({ data, onZoom }: Props) {
  const [measure, width] = useWidth<HTMLDivElement>();
  const { counts, stepMs } = data;
  const from = parseTimestamp(data.from);
  const until = from + stepMs * counts.length;
  const most = useMemo(() => counts.reduce((max, count) => Math.max(max, count.ok + count.failed), 0), [counts]);
  const sums = useMemo(() => counts.reduce((sum, count) => ({ ok: sum.ok + count.ok, failed: sum.failed + count.failed }), { ok: 0, failed: 0 }), [counts]);
  const ticks = clockTicks(from, until, Math.max(1, Math.floor(width / kTickPx)));
  const now = Date.now();

  const { plot, hover, brush, handlers } = useTimeBrush(counts.length, (first, last) =>
    onZoom(Math.floor(from + first * stepMs), Math.ceil(from + (last + 1) * stepMs)),
  );

  const describe = (bin: number) => {
    const count = counts[bin];
    if (count === undefined) return "";
    return `${formatTime(from + bin * stepMs, now, stepMs < 1000)}: ${plural(count.ok + count.failed, "transaction")}, ${formatCount(count.failed)} failed`;
  };
  const percent = (bins: number) => `${(bins / counts.length) * 100}%`;

  return (
    <figure className="histogram" ref={measure}>
      <div
        ref={plot}
        className="histogram-plot"
        role="slider"
        tabIndex={0}
        aria-label="Transactions over time. Shift with the arrow keys marks a range, Enter zooms to it."
        aria-valuemin={0}
        aria-valuemax={Math.max(0, counts.length - 1)}
        aria-valuenow={hover ?? 0}
        aria-valuetext={hover === null ? `${plural(sums.ok + sums.failed, "transaction")}, ${formatCount(sums.failed)} failed` : describe(hover)}
        {...handlers}
      >
        <svg viewBox={`0 0 ${counts.length} 100`} preserveAspectRatio="none" aria-hidden>
          {counts.map((count, bin) => {
            if (count.ok + count.failed === 0) return null;
            const scale = 100 / Math.max(1, most);
            const failed = count.failed * scale;
            const ok = count.ok * scale;
            return (
              <g key={bin}>
                {count.ok > 0 && <rect className="bin-ok" x={bin + 0.1} width={0.8} y={100 - ok} height={ok} />}
                {count.failed > 0 && <rect className="bin-failed" x={bin + 0.1} width={0.8} y={100 - ok - failed} height={failed} />}
              </g>
            );
          })}
        </svg>
        {brush !== null && <span className="histogram-brush" style={{ left: percent(brush.first), width: percent(brush.last + 1 - brush.first) }} />}
        {hover !== null && <span className="histogram-cursor" style={{ left: percent(hover), width: percent(1) }} />}
        {most > 0 && <span className="histogram-most">{formatCount(most)}</span>}
      </div>
      <div className="histogram-axis" aria-hidden>
        {ticks.values.map((at) => (
          <span key={at} style={{ left: `${((at - from) / (until - from)) * 100}%` }}>
            {formatTime(at, now, false)}
          </span>
        ))}
      </div>
      <figcaption>{hover !== null ? describe(hover) : null}</figcaption>
    </figure>
  );
}
