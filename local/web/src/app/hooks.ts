// SPDX-License-Identifier: MIT
import { useCallback, useEffect, useEffectEvent, useRef, useState, useSyncExternalStore } from "react";
import { live, type LiveState } from "../api/live";

/** True once `active` has lasted `ms`: keeps skeletons and spinners away from answers that come at once. */
export function useDelayed(active: boolean, ms = 150): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!active) return;
    const timer = setTimeout(() => setLate(true), ms);
    return () => {
      clearTimeout(timer);
      setLate(false);
    };
  }, [active, ms]);
  return active && late;
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(live.subscribe, live.getState);
}

/** Least time between the end of one refresh and the start of the next. */
const kRefreshPauseMs = 250;

/** Runs `refresh` after each change on the server, one at a time: changes that come meanwhile lead to one more run.
 * Restarting a running request instead would never finish under steady load. The pause grows with the time a refresh
 * takes, so that a page never asks a busy server for more than a third of its time. */
export function useOnChange(refresh: () => Promise<unknown>, enabled: boolean, pauseMs = kRefreshPauseMs): void {
  const run = useEffectEvent(refresh);
  useEffect(() => {
    if (!enabled) return;
    let running = false;
    let again = false;
    let stopped = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const step = async () => {
      if (running) {
        again = true;
        return;
      }
      running = true;
      again = false;
      const started = performance.now();
      try {
        await run();
      } catch {
        // The query keeps its own error and shows it.
      }
      if (stopped) return;
      const pause = Math.max(pauseMs, 2 * (performance.now() - started));
      timer = setTimeout(() => {
        running = false;
        if (again) void step();
      }, pause);
    };
    const unsubscribe = live.subscribe((event) => {
      if (event === "change") void step();
    });
    return () => {
      stopped = true;
      clearTimeout(timer);
      unsubscribe();
    };
  }, [enabled, pauseMs]);
}

interface Readable {
  isFetching: boolean;
  refetch: (options: { cancelRefetch: boolean }) => Promise<unknown>;
}

/** Reads a query anew. A reading that is under way may have been answered before the change, so another one follows it. */
export async function readAnew(query: Readable): Promise<void> {
  if (query.isFetching) await query.refetch({ cancelRefetch: false });
  await query.refetch({ cancelRefetch: false });
}

/** The width of an element's content box in pixels, 0 before it is measured. */
export function useWidth<T extends HTMLElement>(): [(element: T | null) => void, number] {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver | null>(null);
  const ref = useCallback((element: T | null) => {
    observer.current?.disconnect();
    observer.current = null;
    if (element === null) return;
    setWidth(element.clientWidth);
    observer.current = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.current.observe(element);
  }, []);
  return [ref, width];
}

const queries = new Map<string, MediaQueryList>();

export function useMedia(query: string): boolean {
  const list = queries.get(query) ?? window.matchMedia(query);
  queries.set(query, list);
  return useSyncExternalStore(
    (listener) => {
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => list.matches,
  );
}

/** A number remembered in this browser, such as the size of a pane. */
export function useStoredNumber(key: string, initial: number): [number, (value: number) => void] {
  const [value, setValue] = useState(() => {
    try {
      const stored = Number(localStorage.getItem(`azmon-local.${key}`) ?? NaN);
      return Number.isFinite(stored) && stored > 0 ? stored : initial;
    } catch {
      return initial;
    }
  });
  const store = useCallback(
    (next: number) => {
      setValue(next);
      try {
        localStorage.setItem(`azmon-local.${key}`, String(Math.round(next)));
      } catch {
        // Storage is switched off: the size holds until the tab closes.
      }
    },
    [key],
  );
  return [value, store];
}

/** Whether a key press belongs to a text field, so that shortcuts leave it alone. */
export function isTyping(event: KeyboardEvent | React.KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target !== null && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
