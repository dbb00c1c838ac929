// SPDX-License-Identifier: MIT
import { useEffect, useState } from "react";
import { Button } from "@fluentui/react-components";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Failure } from "../../app/Failure";
import { useDelayed } from "../../app/hooks";
import { useStats } from "../../api/queries";
import { formatCount, plural } from "../../logic/format";
import { kDefaultRange, kRangeNames, type ListState } from "../../logic/url";
import { EmptyState } from "./EmptyState";
import { Filters } from "./Filters";
import { Histogram } from "./Histogram";
import { List } from "./List";
import { useTransactionList } from "./useTransactionList";
import "../../styles/list.css";

const kNoFilters = { q: undefined, role: undefined, result: undefined, type: undefined, app: undefined, min: undefined, max: undefined } as const;

/** All roles seen since the page was loaded: a filter must not take away the choices of its own menu. */
const seenRoles = new Set<string>();

export function TransactionsPage() {
  const state = useSearch({ from: "/" });
  const navigate = useNavigate({ from: "/" });
  const setState = (change: Partial<ListState>) => void navigate({ search: (before) => ({ ...before, ...change }) });
  const [atTop, setAtTop] = useState(true);
  const stats = useStats();
  const list = useTransactionList(state, atTop);
  const slow = useDelayed(list.loading);

  useEffect(() => {
    document.title = "Transactions · azmon-local";
  }, []);

  for (const row of list.rows) for (const role of row.roles) if (role !== "") seenRoles.add(role);
  if (state.role !== undefined) seenRoles.add(state.role);

  if (stats.data !== undefined && stats.data.items === 0 && list.rows.length === 0) return <EmptyState stats={stats.data} />;
  if (list.error !== null && list.error !== undefined) return <Failure what="The transactions could not be read." error={list.error} onRetry={list.retry} />;

  const filtered = state.q ?? state.role ?? state.result ?? state.type ?? state.app ?? state.min ?? state.max;
  const byDuration = state.min !== undefined || state.max !== undefined;
  const summary =
    list.total === null
      ? ""
      : byDuration
        ? `${formatCount(list.rows.length)} of ${plural(list.total, "transaction")} ${list.hasMore ? "so far" : ""}`
        : plural(list.total, "transaction");
  const nothing = !list.loading && !list.stale && list.rows.length === 0 && !list.hasMore;
  return (
    <div className="list-page">
      <h1 className="visually-hidden">Transactions</h1>
      <Filters state={state} roles={[...seenRoles].sort()} setState={setState} summary={summary} />
      {list.histogram && list.histogram.counts.length > 0 ? (
        <Histogram data={list.histogram} onZoom={(since, until) => setState({ since, until, range: undefined })} />
      ) : (
        <div className="histogram" aria-hidden />
      )}
      {nothing ? (
        <div className="nothing">
          <p>{filtered === undefined ? `Nothing ${rangeWords(state)}.` : `No transaction ${rangeWords(state)} matches the filters.`}</p>
          <p>
            {filtered !== undefined && <Button onClick={() => setState(kNoFilters)}>Clear the filters</Button>}{" "}
            {(state.range !== "all" || state.since !== undefined) && (
              <Button onClick={() => setState({ range: "all", since: undefined, until: undefined })}>
                Show all times{stats.data === undefined ? "" : ` (${plural(stats.data.transactions, "transaction")})`}
              </Button>
            )}
          </p>
        </div>
      ) : list.loading ? (
        slow && <ListSkeleton />
      ) : (
        <List list={list} state={state} setState={setState} onTop={setAtTop} />
      )}
    </div>
  );
}

function rangeWords(state: ListState): string {
  if (state.since !== undefined) return "in this time range";
  const range = state.range ?? kDefaultRange;
  return range === "all" ? "at all" : `in the ${kRangeNames[range].toLowerCase()}`;
}

function ListSkeleton() {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: 14 }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}
