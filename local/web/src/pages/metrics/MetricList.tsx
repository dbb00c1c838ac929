// SPDX-License-Identifier: MIT
import { useRef } from "react";
import { Button, Input } from "@fluentui/react-components";
import { DismissRegular, SearchRegular } from "@fluentui/react-icons";
import type { Metric } from "../../api/types";
import { formatCount, plural } from "../../logic/format";
import { grouped, kGroups, metricKey } from "../../logic/metrics";
import { kDefaultRange, kRangeNames, type MetricsState } from "../../logic/url";
import { FilterChip } from "../../parts/FilterChip";
import { roleStyle } from "../../parts/parts";

interface Props {
  metrics: readonly Metric[];
  total: number;
  roles: readonly string[];
  state: MetricsState;
  /** metricKey of the one whose plot is shown. */
  shown: string | null;
  setState: (change: Partial<MetricsState>, replace?: boolean) => void;
  onChoose: (metric: Metric) => void;
}

function kindWord({ type, isMonotonic }: Metric): string {
  if (type === "exponentialHistogram") return "exponential histogram";
  if (type === "sum") return isMonotonic === false ? "level" : "sum";
  return type.toLowerCase();
}

const kSourceTags = { breeze: "Azure", otlp: "OTLP" } as const;
/** Roles shown as dots; more are told by their number. */
const kDotsMax = 5;

export function MetricList({ metrics, total, roles, state, shown, setState, onChoose }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const wanted = (state.q ?? "").toLowerCase();
  const found = metrics.filter((metric) => `${metric.name}\n${metric.description ?? ""}`.toLowerCase().includes(wanted));
  const groups = grouped(found);

  /** Arrow keys walk the list as one, over the borders of its groups. */
  const onKeyDown = (event: React.KeyboardEvent) => {
    const entries = [...(list.current?.querySelectorAll<HTMLElement>(".metric-entry") ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    entries[Math.max(0, Math.min(entries.length - 1, to))]?.focus();
  };
  // One stop for Tab: the metric that is shown, else the first.
  const stop = found.some((metric) => metricKey(metric) === shown) ? shown : found[0] === undefined ? null : metricKey(groups[0]!.metrics[0]!);

  return (
    <section className="metric-list" aria-label="Metrics">
      <h1 className="visually-hidden">Metrics</h1>
      <div className="metric-filters">
        <Input
          className="metric-search"
          size="small"
          value={state.q ?? ""}
          onChange={(_, data) => setState({ q: data.value || undefined }, true)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") {
              event.preventDefault();
              list.current?.querySelector<HTMLElement>(".metric-entry")?.focus();
            }
          }}
          contentBefore={<SearchRegular aria-hidden />}
          contentAfter={
            state.q === undefined ? null : <Button appearance="transparent" size="small" icon={<DismissRegular />} aria-label="Clear the filter by name" onClick={() => setState({ q: undefined }, true)} />
          }
          placeholder="Part of a name"
          aria-label="Filter metrics by name"
          spellCheck={false}
        />
        <FilterChip name="Role" value={state.role} choices={roles.map((role) => ({ value: role, text: role }))} onChange={(role) => setState({ role })} />
      </div>
      <div className="metric-entries" ref={list} onKeyDown={onKeyDown}>
        {groups.map(({ group, metrics: members }) => (
          <div key={group} role="group" aria-labelledby={`group-${kGroups.indexOf(group)}`}>
            <h2 id={`group-${kGroups.indexOf(group)}`} className="metric-group">
              {group} <span className="quiet">{formatCount(members.length)}</span>
            </h2>
            {members.map((metric) => (
              <Entry key={metricKey(metric)} metric={metric} isShown={metricKey(metric) === shown} isStop={metricKey(metric) === stop} onChoose={onChoose} />
            ))}
          </div>
        ))}
        {found.length === 0 && (
          <p className="metric-nothing quiet">
            {metrics.length === 0 && state.role === undefined
              ? `No metric came ${state.since !== undefined ? "in this time range" : state.range === "all" ? "yet" : `in the ${kRangeNames[state.range ?? kDefaultRange].toLowerCase()}`}.`
              : "No metric matches the filters."}
          </p>
        )}
      </div>
      <p className="metric-count quiet" role="status">
        {total > metrics.length ? `${plural(found.length, "metric")}; ${formatCount(total - metrics.length)} more are not listed` : plural(found.length, "metric")}
      </p>
    </section>
  );
}

function Entry({ metric, isShown, isStop, onChoose }: { metric: Metric; isShown: boolean; isStop: boolean; onChoose: (metric: Metric) => void }) {
  const facts = [kindWord(metric), metric.unit].filter(Boolean).join(" · ");
  return (
    <button type="button" className="metric-entry" aria-current={isShown ? "true" : undefined} tabIndex={isStop ? 0 : -1} title={metric.description || metric.name} onClick={() => onChoose(metric)}>
      <span className="metric-name">{metric.name}</span>
      <span className={`source-tag source-${metric.source}`}>{kSourceTags[metric.source]}</span>
      <span className="metric-facts quiet">{facts || "value"}</span>
      <span className="metric-dots" title={metric.roles.map((role) => role || "(no role)").join(", ")}>
        {metric.roles.slice(0, kDotsMax).map((role) => (
          <span key={role} className="role-dot" style={roleStyle(role)} aria-hidden />
        ))}
        {metric.roles.length > kDotsMax && <span className="quiet">+{metric.roles.length - kDotsMax}</span>}
        <span className="visually-hidden">{plural(metric.roles.length, "role")}</span>
      </span>
    </button>
  );
}
