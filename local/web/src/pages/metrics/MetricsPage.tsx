// SPDX-License-Identifier: MIT
// Metrics: the list at the left, the chosen one's plot at the right. Everything chosen is in the address.
import { useEffect } from "react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Failure } from "../../app/Failure";
import { useDelayed, useMedia } from "../../app/hooks";
import { useStats } from "../../api/queries";
import { metricKey } from "../../logic/metrics";
import type { MetricsState } from "../../logic/url";
import { EmptyState } from "../transactions/EmptyState";
import { MetricList } from "./MetricList";
import { MetricView } from "./MetricView";
import { useMetrics } from "./useMetrics";
import "../../styles/list.css";
import "../../styles/metrics.css";

/** All roles seen since the page was loaded: a filter must not take away the choices of its own menu. */
const seenRoles = new Set<string>();

/** What belongs to the metric that is shown, forgotten when another is chosen. */
const kOfMetric = { agg: undefined, split: undefined, where: undefined } as const;

export function MetricsPage() {
  const state = useSearch({ from: "/metrics" });
  const navigate = useNavigate({ from: "/metrics" });
  const setState = (change: Partial<MetricsState>, replace = false) => void navigate({ search: (before) => ({ ...before, ...change }), replace });
  const stats = useStats();
  const query = useMetrics(state);
  const slow = useDelayed(query.isPending);
  const beside = useMedia("(min-width: 900px)");
  useEffect(() => {
    document.title = `${state.metric ?? "Metrics"} · azmon-local`;
  }, [state.metric]);

  const metrics = query.data?.metrics ?? [];
  for (const metric of metrics) for (const role of metric.roles) if (role !== "") seenRoles.add(role);
  if (state.role !== undefined) seenRoles.add(state.role);

  if (stats.data !== undefined && stats.data.items === 0) return <EmptyState stats={stats.data} />;
  if (query.isError && query.data === undefined) return <Failure what="The metrics could not be read." error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return slow ? <div className="skeleton" role="status" aria-label="Loading">{Array.from({ length: 12 }, (_, at) => <span key={at} />)}</div> : null;

  // Beside the list something is always shown: the first metric until one is chosen.
  const wanted = state.metric === undefined ? null : { name: state.metric, source: state.source ?? "otlp", namespace: state.ns ?? "" };
  const listed = wanted === null ? undefined : metrics.find((metric) => metricKey(metric) === metricKey(wanted));
  const shown = wanted ?? (beside ? (metrics[0] ?? null) : null);
  return (
    <div className={`metrics ${beside ? "beside" : "single"}`}>
      {(beside || shown === null) && (
        <MetricList
          metrics={metrics}
          total={query.data.total}
          roles={[...seenRoles].sort()}
          state={state}
          shown={shown === null ? null : metricKey(shown)}
          setState={setState}
          onChoose={(metric) => setState({ ...kOfMetric, metric: metric.name, source: metric.source, ns: metric.namespace || undefined })}
        />
      )}
      {shown !== null && (
        <MetricView
          key={metricKey(shown)}
          metric={listed ?? metrics.find((metric) => metricKey(metric) === metricKey(shown)) ?? null}
          identity={shown}
          all={metrics}
          state={state}
          setState={setState}
          onBack={beside ? null : () => setState({ ...kOfMetric, metric: undefined, source: undefined, ns: undefined })}
        />
      )}
    </div>
  );
}
