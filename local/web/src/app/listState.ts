// SPDX-License-Identifier: MIT
// The filters of the list: in the address while the list is open, kept here while another page is, so that going back
// finds them again.
import { useEffect, useSyncExternalStore } from "react";
import { useRouterState } from "@tanstack/react-router";
import { parseListState, type ListState } from "../logic/url";

let last: ListState = {};
const listeners = new Set<() => void>();

export const lastListState = (): ListState => last;

export function keepListState(state: ListState): void {
  last = parseListState(state as Record<string, unknown>);
  for (const listener of [...listeners]) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function useListState(): ListState {
  const kept = useSyncExternalStore(subscribe, lastListState);
  const search = useRouterState({ select: (state) => (state.location.pathname === "/" ? state.location.search : null) });
  useEffect(() => {
    if (search !== null) keepListState(search as ListState);
  }, [search]);
  return search === null ? kept : (search as ListState);
}
