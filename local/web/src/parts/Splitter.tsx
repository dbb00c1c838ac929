// SPDX-License-Identifier: MIT
import { useRef } from "react";

interface Props {
  label: string;
  /** "vertical" moves sideways. */
  orientation: "vertical" | "horizontal";
  value: number;
  min: number;
  max: number;
  /** 1 if the sized pane is before the splitter, -1 if after. */
  direction: 1 | -1;
  onChange: (value: number) => void;
  controls?: string;
}

const kKeyStep = 24;

/** A border that can be moved, by pointer and by arrow keys. */
export function Splitter({ label, orientation, value, min, max, direction, onChange, controls }: Props) {
  const drag = useRef<{ from: number; value: number } | null>(null);
  const clamp = (next: number) => Math.round(Math.min(Math.max(min, max), Math.max(min, next)));
  const place = (event: React.PointerEvent) => (orientation === "vertical" ? event.clientX : event.clientY);
  return (
    <div
      className={`splitter ${orientation}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={orientation}
      aria-valuenow={Math.round(clamp(value))}
      aria-valuemin={Math.round(min)}
      aria-valuemax={Math.round(Math.max(min, max))}
      aria-controls={controls}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { from: place(event), value: clamp(value) };
      }}
      onPointerMove={(event) => {
        if (drag.current !== null) onChange(clamp(drag.current.value + (place(event) - drag.current.from) * direction));
      }}
      onPointerUp={() => (drag.current = null)}
      onPointerCancel={() => (drag.current = null)}
      onKeyDown={(event) => {
        const [less, more] = orientation === "vertical" ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
        const sign = event.key === more ? 1 : event.key === less ? -1 : 0;
        if (sign === 0) return;
        event.preventDefault();
        event.stopPropagation();
        onChange(clamp(value + sign * kKeyStep * direction));
      }}
    />
  );
}
