// SPDX-License-Identifier: MIT
// The whole transaction in a strip, drawn on a canvas. Dragging marks the part that the waterfall shows; the marked part
// can be moved; a double click shows everything.
import { useEffect, useRef, useState } from "react";
import { useTheme } from "../../app/theme";
import { useWidth } from "../../app/hooks";
import { roleColour } from "../../logic/colour";
import { formatDuration } from "../../logic/format";
import type { TraceModel } from "../../logic/tree";

interface Props {
  model: TraceModel;
  from: number;
  to: number;
  onZoom: (from: number, to: number) => void;
}

const kHeightPx = 44;
/** A drag shorter than this is a click. */
const kDragPx = 4;

export function Minimap({ model, from, to, onZoom }: Props) {
  const { shown } = useTheme();
  const [measure, width] = useWidth<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [drag, setDrag] = useState<{ start: number; at: number; moving: { from: number; to: number } | null } | null>(null);

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.current!.width = Math.round(width * ratio);
    canvas.current!.height = Math.round(kHeightPx * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, kHeightPx);
    const spans = model.rows.filter((row) => row.span);
    const rowPx = Math.min(4, (kHeightPx - 4) / Math.max(1, spans.length));
    const style = getComputedStyle(canvas.current!);
    // Red where a failure began: its callers fail with it and would paint the whole strip.
    const callers = new Set(model.rows.filter((row) => row.failed && row.span).map((row) => row.parent));
    const danger = style.getPropertyValue("--bar-failed");
    spans.forEach((row, at) => {
      const began = row.failed && !callers.has(row.index);
      context.fillStyle = began ? danger : roleColour(row.item.cloud_RoleName ?? "")[shown];
      context.fillRect((row.start / model.length) * width, 2 + at * rowPx, Math.max(began ? 3 : 1, (row.duration / model.length) * width), Math.max(0.5, rowPx - (rowPx > 2 ? 1 : 0)));
    });
  }, [model, width, shown]);

  const msAt = (clientX: number) => {
    const box = canvas.current!.getBoundingClientRect();
    return Math.max(0, Math.min(model.length, ((clientX - box.left) / box.width) * model.length));
  };
  const whole = from <= 0 && to >= model.length;
  const pending = drag === null || drag.moving !== null ? null : { from: Math.min(drag.start, drag.at), to: Math.max(drag.start, drag.at) };
  const view = pending ?? { from, to };
  const percent = (ms: number) => `${(ms / model.length) * 100}%`;

  return (
    <div
      className="minimap"
      ref={measure}
      role="img"
      aria-label={whole ? `Overview, ${formatDuration(model.length)}` : `Overview; shown: ${formatDuration(from)} to ${formatDuration(to)} of ${formatDuration(model.length)}`}
      title="Drag to zoom, double click for the whole"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const at = msAt(event.clientX);
        setDrag({ start: at, at, moving: !whole && at >= from && at <= to && !event.shiftKey ? { from, to } : null });
      }}
      onPointerMove={(event) => {
        if (drag === null) return;
        const at = msAt(event.clientX);
        setDrag({ ...drag, at });
        if (drag.moving !== null) onZoom(drag.moving.from + at - drag.start, drag.moving.to + at - drag.start);
      }}
      onPointerUp={() => {
        if (drag !== null && drag.moving === null && pending !== null && ((pending.to - pending.from) / model.length) * width >= kDragPx) onZoom(pending.from, pending.to);
        setDrag(null);
      }}
      onPointerCancel={() => setDrag(null)}
      onDoubleClick={() => onZoom(0, model.length)}
    >
      <canvas ref={canvas} style={{ height: kHeightPx }} />
      {(!whole || pending !== null) && (
        <>
          <span className="minimap-shade" style={{ left: 0, width: percent(view.from) }} />
          <span className="minimap-shade" style={{ left: percent(view.to), right: 0 }} />
          <span className="minimap-view" style={{ left: percent(view.from), width: percent(view.to - view.from) }} />
        </>
      )}
    </div>
  );
}
