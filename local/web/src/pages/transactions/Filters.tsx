// SPDX-License-Identifier: MIT
import { Button } from "@fluentui/react-components";
import { LinkRegular } from "@fluentui/react-icons";
import { CopyButton } from "../../parts/CopyButton";
import { FilterChip } from "../../parts/FilterChip";
import { formatDuration } from "../../logic/format";
import { kItemTypes, type ListState } from "../../logic/url";

interface Props {
  state: ListState;
  roles: readonly string[];
  setState: (change: Partial<ListState>) => void;
  summary: string;
}

const kTypeNames: Record<(typeof kItemTypes)[number], string> = {
  request: "Request",
  dependency: "Dependency",
  trace: "Trace (log)",
  exception: "Exception",
  customEvent: "Custom event",
  availability: "Availability",
  pageView: "Page view",
  metric: "Metric",
};

const kDurations = [10, 50, 100, 250, 500, 1000, 5000];

export function Filters({ state, roles, setState, summary }: Props) {
  const duration = state.min === undefined && state.max === undefined ? undefined : `${state.min ?? 0}-${state.max ?? ""}`;
  const durations = [
    ...kDurations.map((ms) => ({ value: `${ms}-`, text: `≥ ${formatDuration(ms)}` })),
    { value: "0-10", text: `≤ ${formatDuration(10)}` },
    { value: "0-100", text: `≤ ${formatDuration(100)}` },
  ];
  if (duration !== undefined && !durations.some((choice) => choice.value === duration))
    durations.push({ value: duration, text: `${formatDuration(state.min ?? 0)} – ${state.max === undefined ? "…" : formatDuration(state.max)}` });
  const anySet = state.q ?? state.role ?? state.result ?? state.type ?? state.app ?? duration;
  return (
    <div className="filters" role="group" aria-label="Filters">
      <FilterChip name="Role" value={state.role} choices={roles.map((role) => ({ value: role, text: role }))} onChange={(role) => setState({ role })} />
      <FilterChip
        name="Result"
        value={state.result}
        choices={[
          { value: "ok", text: "OK" },
          { value: "failed", text: "Failed" },
        ]}
        onChange={(result) => setState({ result: result as ListState["result"] })}
      />
      <FilterChip name="Item type" value={state.type} choices={kItemTypes.map((type) => ({ value: type, text: kTypeNames[type] }))} onChange={(type) => setState({ type })} />
      <FilterChip
        name="Duration"
        value={duration}
        choices={durations}
        onChange={(value) => {
          const [min, max] = (value ?? "-").split("-");
          setState({ min: min ? Number(min) : undefined, max: max ? Number(max) : undefined });
        }}
      />
      {anySet !== undefined && (
        <Button
          size="small"
          appearance="subtle"
          onClick={() => setState({ q: undefined, role: undefined, result: undefined, type: undefined, app: undefined, min: undefined, max: undefined })}
        >
          Clear all
        </Button>
      )}
      <span className="filters-end">
        <span className="filters-summary" role="status">
          {summary}
        </span>
        <CopyButton label="Copy link" icon={<LinkRegular />} text={() => window.location.href} />
      </span>
    </div>
  );
}
