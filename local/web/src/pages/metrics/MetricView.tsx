// SPDX-License-Identifier: MIT
// One metric: what it is, what is plotted of it, the plot, and the same numbers as a table.
import { useMemo, useState } from "react";
import { Button, Tooltip } from "@fluentui/react-components";
import { ArrowLeftRegular, BracesRegular, DataLineRegular, DismissRegular, LinkRegular, TableRegular } from "@fluentui/react-icons";
import { ApiError } from "../../api/client";
import type { Metric, MetricChart } from "../../api/types";
import { Failure } from "../../app/Failure";
import { useDelayed } from "../../app/hooks";
import { formatCount, formatDuration, plural } from "../../logic/format";
import { aggregationsOf, kAggregationNames, linesOf, unitOf, withFactsOfTwin, type Facts } from "../../logic/metrics";
import type { Aggregation, MetricsState } from "../../logic/url";
import { CopyButton } from "../../parts/CopyButton";
import { FilterChip } from "../../parts/FilterChip";
import { Legend } from "./Legend";
import { Plot } from "./Plot";
import { ValueTable } from "./ValueTable";
import { useMetricChart } from "./useMetrics";

interface Props {
  /** null: it has no points in the time range. */
  metric: Metric | null;
  identity: Pick<Metric, "name" | "source" | "namespace">;
  all: readonly Metric[];
  state: MetricsState;
  setState: (change: Partial<MetricsState>, replace?: boolean) => void;
  onBack: (() => void) | null;
}

const kByRole = "cloud_RoleName";
const kNotSplit = "none";
const kTypeWords: Record<string, string> = { exponentialHistogram: "exponential histogram", Aggregation: "aggregate", Measurement: "value" };

export function MetricView({ metric, identity, all, state, setState, onBack }: Props) {
  const split = state.split ?? kByRole;
  const where = useMemo(() => (state.where ?? "").split("\n").filter((line) => line.includes("=")), [state.where]);
  const query = useMetricChart(state, identity, split === kNotSplit ? "" : split, where.map((line) => `customDimensions.${line}`));
  const slow = useDelayed(query.isPending);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const chart = query.data;
  const facts: Facts = withFactsOfTwin(metric ?? { ...identity, type: chart?.type ?? "", roles: [], points: 0, first: "", last: "", unit: chart?.unit, isMonotonic: chart?.isMonotonic }, all);
  const choices = aggregationsOf(facts);
  const aggregation = state.agg !== undefined && choices.includes(state.agg) ? state.agg : choices[0]!;
  const unit = unitOf(facts, aggregation);
  const lines = useMemo(() => (chart === undefined ? [] : linesOf(chart, aggregation)), [chart, aggregation]);
  const shown = lines.filter((line) => !hidden.has(line.name));
  const missing = query.error instanceof ApiError && query.error.status === 404;
  const toggle = (name: string) => setHidden(new Set(hidden.has(name) ? [...hidden].filter((other) => other !== name) : [...hidden, name]));
  const onZoom = (from: number, to: number) => setState({ since: from, until: to, range: undefined });
  // Without the list beside it, this is the page.
  const Heading = onBack === null ? "h2" : "h1";
  const isEmpty = chart !== undefined && lines.every((line) => line.values.every((value) => value === null));

  return (
    <section className="metric-view" aria-label={identity.name}>
      <header className="metric-head">
        {onBack !== null && <Button appearance="subtle" icon={<ArrowLeftRegular />} aria-label="Back to the metrics" onClick={onBack} />}
        <div className="metric-title">
          <Heading title={identity.name}>{identity.name}</Heading>
          <p className="quiet">{[facts.description, ...describe(facts, chart)].filter(Boolean).join(" · ")}</p>
        </div>
        <span className="metric-actions">
          <Tooltip content={state.view === "table" ? "Show the plot" : "Show the numbers as a table"} relationship="label">
            <Button
              size="small"
              appearance="subtle"
              icon={state.view === "table" ? <DataLineRegular /> : <TableRegular />}
              onClick={() => setState({ view: state.view === "table" ? undefined : "table" }, true)}
            />
          </Tooltip>
          <CopyButton label="Copy link" icon={<LinkRegular />} text={() => window.location.href} />
          {chart !== undefined && <CopyButton label="Copy the points as JSON" icon={<BracesRegular />} text={() => JSON.stringify(chart, null, 2)} />}
        </span>
      </header>
      <div className="metric-tools" role="group" aria-label="What is plotted">
        <FilterChip name="Aggregation" any={null} value={aggregation} choices={choices.map((value) => ({ value, text: kAggregationNames[value] }))} onChange={(value) => setState({ agg: value === choices[0] ? undefined : (value as Aggregation) })} />
        <FilterChip
          name="Split by"
          any={null}
          value={split}
          choices={[
            { value: kByRole, text: "Role" },
            { value: "cloud_RoleInstance", text: "Role instance" },
            ...(chart?.dimensions ?? []).map((dimension) => ({ value: dimension.name, text: dimension.name })),
            { value: kNotSplit, text: "Nothing: one line" },
          ]}
          onChange={(value) => setState({ split: value === kByRole ? undefined : value })}
        />
        {(chart?.dimensions ?? []).map((dimension) => {
          const set = where.find((line) => line.startsWith(`${dimension.name}=`))?.slice(dimension.name.length + 1);
          // Choosing one value leaves the others out of the answer, so what there is to choose from is what is there now.
          if (set !== undefined || dimension.values.length < 2) return null;
          return (
            <FilterChip
              key={dimension.name}
              name={dimension.name}
              value={undefined}
              choices={dimension.values.map((value) => ({ value, text: value || "(empty)" }))}
              onChange={(value) => value !== undefined && setState({ where: [...where, `${dimension.name}=${value}`].join("\n") })}
            />
          );
        })}
        {where.map((line) => (
          <span key={line} className="chip chip-set">
            <span className="chip-fixed">{line.replace("=", " = ")}</span>
            <Button
              size="small"
              appearance="transparent"
              className="chip-clear"
              icon={<DismissRegular />}
              aria-label={`Remove the filter ${line}`}
              onClick={() => setState({ where: where.filter((other) => other !== line).join("\n") || undefined })}
            />
          </span>
        ))}
      </div>
      {chart === undefined ? (
        query.isPending ? (
          slow && <div className="plot-skeleton" role="status" aria-label="Loading" />
        ) : missing ? (
          <p className="metric-empty quiet">No point of this metric is stored here.</p>
        ) : (
          <Failure what="The metric could not be read." error={query.error} onRetry={() => void query.refetch()} level={3} />
        )
      ) : isEmpty ? (
        <p className="metric-empty quiet">
          No points {where.length > 0 ? "with these values " : ""}in this time range.{" "}
          {chart.points > 0 && "A cumulative value needs a second point before its growth is known."}
        </p>
      ) : (
        <div className="metric-body" data-stale={query.isPlaceholderData ? "" : undefined}>
          {state.view === "table" ? (
            <ValueTable chart={chart} lines={lines} unit={unit} />
          ) : (
            <>
              <Plot chart={chart} lines={shown} all={lines} unit={unit} title={`${kAggregationNames[aggregation]} of ${identity.name}`} onZoom={onZoom} />
              <Legend chart={chart} lines={lines} hidden={hidden} unit={unit} onToggle={toggle} />
            </>
          )}
          {chart.isCut && <p className="quiet">There are more points than one plot reads; shorten the time range.</p>}
        </div>
      )}
    </section>
  );
}

function describe(facts: Facts, chart: MetricChart | undefined): string[] {
  const level = facts.type === "sum" && facts.isMonotonic === false;
  const words = [facts.source === "breeze" ? "by Azure (Breeze)" : "by OTLP"];
  if (facts.source === "otlp") words.unshift([facts.temporality, level ? "level (up and down)" : (kTypeWords[facts.type] ?? facts.type)].filter(Boolean).join(" "));
  if (facts.unit) words.push(`unit ${facts.unit}`);
  if (chart !== undefined) words.push(`${plural(chart.points, "point")}, a step is ${formatDuration(chart.stepMs)}`);
  if (chart !== undefined && chart.joined > 0) words.push(`${formatCount(chart.joined)} series joined`);
  return words;
}
