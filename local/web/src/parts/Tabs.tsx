// SPDX-License-Identifier: MIT
// Tabs by the usual keyboard rules. Fluent's own put focusable sentinels that are hidden from assistive technology into
// the page, which axe reports.
import { useRef, type KeyboardEvent } from "react";

interface Props<T extends string> {
  label: string;
  tabs: readonly { value: T; text: string }[];
  value: T;
  /** Id of the tabpanel. */
  panel: string;
  onChange: (value: T) => void;
}

export function Tabs<T extends string>({ label, tabs, value, panel, onChange }: Props<T>) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.value === value);
    const moves: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
    const target = moves[event.key];
    if (target === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (target + tabs.length) % tabs.length;
    onChange(tabs[next]!.value);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          key={tab.value}
          type="button"
          role="tab"
          aria-selected={tab.value === value}
          aria-controls={panel}
          tabIndex={tab.value === value ? 0 : -1}
          onClick={() => onChange(tab.value)}
        >
          {tab.text}
        </button>
      ))}
    </div>
  );
}
