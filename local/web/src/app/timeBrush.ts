// SPDX-License-Identifier: MIT
// The cursor over a plot of time steps, and the choice of a range of them: by dragging, or by Shift with the arrow keys and Enter.
import { useRef, useState, type KeyboardEvent, type PointerEvent } from "react";

export interface StepRange {
  first: number;
  last: number;
}

/** @param steps how many there are, over the whole width of the element that gets `plot` and `handlers`
 * @param onZoom called with the first and the last step of a range that was chosen */
export function useTimeBrush(steps: number, onZoom: (first: number, last: number) => void) {
  const plot = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<number | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const limited = (step: number) => Math.max(0, Math.min(steps - 1, step));
  const at = (clientX: number) => {
    const box = plot.current!.getBoundingClientRect();
    return limited(Math.floor(((clientX - box.left) / box.width) * steps));
  };
  const zoom = (a: number, b: number) => onZoom(Math.min(a, b), Math.max(a, b));
  const handlers = {
    onKeyDown: (event: KeyboardEvent) => {
      const move: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, Home: -steps, End: steps };
      const by = event.altKey || event.ctrlKey || event.metaKey ? undefined : move[event.key];
      if (by !== undefined) {
        event.preventDefault();
        const next = limited((hover ?? (by > 0 ? -1 : steps)) + by);
        setHover(next);
        setDrag(event.shiftKey ? { from: drag?.from ?? hover ?? next, to: next } : null);
      } else if (event.key === "Enter" && hover !== null) {
        event.preventDefault();
        zoom(drag?.from ?? hover, drag?.to ?? hover);
        setDrag(null);
      } else if (event.key === "Escape") {
        setDrag(null);
        setHover(null);
      }
    },
    onBlur: () => setHover(null),
    onPointerDown: (event: PointerEvent) => {
      if (event.button !== 0) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const step = at(event.clientX);
      setDrag({ from: step, to: step });
    },
    onPointerMove: (event: PointerEvent) => {
      const step = at(event.clientX);
      setHover(step);
      if (drag !== null && event.buttons === 1) setDrag({ ...drag, to: step });
    },
    onPointerUp: () => {
      if (drag !== null && drag.from !== drag.to) zoom(drag.from, drag.to);
      setDrag(null);
    },
    onPointerCancel: () => setDrag(null),
    onPointerLeave: () => drag === null && setHover(null),
  };
  const brush: StepRange | null = drag === null ? null : { first: Math.min(drag.from, drag.to), last: Math.max(drag.from, drag.to) };
  return { plot, hover: hover !== null && hover < steps ? hover : null, brush, handlers };
}
