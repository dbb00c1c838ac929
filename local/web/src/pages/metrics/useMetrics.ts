// SPDX-License-Identifier: MIT
// The metrics of a time range and the points of one of them, both kept up to date while the page is live.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { getMetrics, getMetricSeries, type MetricFilters } from "../../api/client";
import type { Metric } from "../../api/types";
import { readAnew, useOnChange } from "../../app/hooks";
import { useListState } from "../../app/listState";
import { isLive, stringifySearch, timeWindow, type MetricsState } from "../../logic/url";

/** Metrics come every few seconds at most often. */
const kPauseMs = 1000;

const range = ({ range: name, since, until }: MetricsState) => ({ range: name, since, until });

function useIsLive(state: MetricsState): boolean {
  const list = useListState();
  return isLive({ live: list.live, since: state.since });
}

export function useMetrics(state: MetricsState) {
  const app = useListState().app;
  const asked = { ...range(state), role: state.role, app };
  const query = useQuery({
    queryKey: ["metrics", stringifySearch(asked)],
    queryFn: ({ signal }) => getMetrics({ role: state.role, iKey: app, ...timeWindow(state, Date.now()) }, signal),
    placeholderData: keepPreviousData,
  });
  useOnChange(() => readAnew(query), useIsLive(state), kPauseMs);
  return query;
}

export function useMetricChart(state: MetricsState, metric: Pick<Metric, "name" | "source" | "namespace">, splitBy: string, where: readonly string[]) {
  const app = useListState().app;
  const filters = (): MetricFilters => ({ role: state.role, iKey: app, ...timeWindow(state, Date.now()) });
  const asked = { ...range(state), role: state.role, app, name: metric.name, source: metric.source, ns: metric.namespace, splitBy, where: where.join("\n") };
  const query = useQuery({
    queryKey: ["metric", stringifySearch(asked)],
    queryFn: ({ signal }) => getMetricSeries({ name: metric.name, source: metric.source, namespace: metric.namespace, splitBy, ...filters() }, where, signal),
    placeholderData: keepPreviousData,
  });
  useOnChange(() => readAnew(query), useIsLive(state), kPauseMs);
  return query;
}
