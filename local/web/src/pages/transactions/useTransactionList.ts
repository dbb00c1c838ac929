// SPDX-License-Identifier: MIT
// The rows of the list: the newest page, kept up to date, and older pages as they are scrolled to.
//
// New transactions are put in only while the reader is at the top; otherwise they wait and are counted, so that nothing
// moves under the pointer. Rows already shown get their new values at any time.
import { useCallback, useEffect, useEffectEvent, useMemo, useState } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getTransactions, type ListFilters } from "../../api/client";
import { live } from "../../api/live";
import type { TransactionPage, TransactionSummary } from "../../api/types";
import { readAnew, useOnChange } from "../../app/hooks";
import { isLive, stringifySearch, timeWindow, type ListState } from "../../logic/url";
import { kEmptyRows, mergePage, updateRows, type ListRows } from "../../logic/listRows";

function filtersOf(state: ListState, now: number): ListFilters {
  return { search: state.q, role: state.role, result: state.result, itemType: state.type, iKey: state.app, ...timeWindow(state, now) };
}

export interface TransactionList {
  rows: TransactionSummary[];
  /** Ids that came in with the last update, to be shown as new. */
  fresh: ReadonlySet<string>;
  total: number | null;
  histogram: TransactionPage["histogram"];
  /** How many new ones wait above the top. */
  waiting: number;
  showWaiting: () => void;
  hasMore: boolean;
  loadMore: () => void;
  loading: boolean;
  /** The rows are those of the filters before. */
  stale: boolean;
  error: unknown;
  retry: () => void;
}

export function useTransactionList(state: ListState, atTop: boolean): TransactionList {
  const { live: _live, min, max, ...asked } = state;
  const key = stringifySearch(asked);
  const head = useQuery({
    queryKey: ["transactions", key],
    queryFn: ({ signal }) => getTransactions(filtersOf(state, Date.now()), null, signal),
    placeholderData: keepPreviousData,
  });
  useOnChange(() => readAnew(head), isLive(state));

  const [shown, setShown] = useState<ListRows>(kEmptyRows);
  const [more, setMore] = useState<"idle" | "loading" | "failed">("idle");
  const page = head.isPlaceholderData ? undefined : head.data;

  const take = useEffectEvent((latest: TransactionPage) => {
    setShown((before) => (before.key !== key || atTop ? mergePage(before, key, latest) : updateRows(before, latest)));
  });
  useEffect(() => {
    if (page !== undefined) take(page);
  }, [page, key]);
  useEffect(() => live.subscribe((event) => event === "reset" && setShown(kEmptyRows)), []);

  const showWaiting = useCallback(() => {
    if (page !== undefined) setShown((before) => mergePage(before, key, page));
  }, [page, key]);

  const waiting = useMemo(() => {
    if (page === undefined || shown.key !== key) return 0;
    const known = new Set(shown.rows.map((row) => row.operation_Id));
    return page.transactions.filter((row) => !known.has(row.operation_Id)).length;
  }, [page, shown, key]);

  const loadMore = useEffectEvent(async () => {
    if (more === "loading" || shown.next === null || shown.key !== key) return;
    setMore("loading");
    try {
      const older = await getTransactions(filtersOf(state, Date.now()), shown.next);
      setShown((before) => (before.key === key && before.next === shown.next ? appendPage(before, older) : before));
      setMore("idle");
    } catch {
      setMore("failed"); // Scrolling on asks again; the bar on top says when the server is gone.
    }
  });

  const rows = useMemo(
    () =>
      min === undefined && max === undefined
        ? shown.rows
        : shown.rows.filter((row) => row.duration >= (min ?? 0) && row.duration <= (max ?? Infinity)),
    [shown.rows, min, max],
  );
  return {
    rows,
    fresh: shown.fresh,
    total: page?.total ?? null,
    histogram: (page ?? head.data)?.histogram,
    waiting: atTop ? 0 : waiting,
    showWaiting,
    hasMore: shown.next !== null && more !== "failed",
    loadMore: () => void loadMore(),
    loading: shown.key === null && head.isPending,
    stale: head.isPlaceholderData,
    error: shown.key === null ? head.error : null,
    retry: () => void head.refetch(),
  };
}

function appendPage(before: ListRows, page: TransactionPage): ListRows {
  const known = new Set(before.rows.map((row) => row.operation_Id));
  return { ...before, rows: [...before.rows, ...page.transactions.filter((row) => !known.has(row.operation_Id))], next: page.next, fresh: new Set() };
}
