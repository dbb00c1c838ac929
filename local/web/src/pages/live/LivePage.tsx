// SPDX-License-Identifier: MIT
// The last minute, second by second: all servers together or one of them, what they do now and a sample of their telemetry.
import { useEffect, useState } from "react";
import { Button } from "@fluentui/react-components";
import { PauseRegular, PlayRegular } from "@fluentui/react-icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { getItems, getLiveMetrics } from "../../api/client";
import type { Item, LiveMetrics, LiveServer } from "../../api/types";
import { Failure } from "../../app/Failure";
import { useDelayed } from "../../app/hooks";
import { formatDuration, formatTime, parseTimestamp } from "../../logic/format";
import { bestServers, lineOf, newest, withZeros, type Measure } from "../../logic/live";
import { formatNumber, formatValue } from "../../logic/metrics";
import { rowTitle } from "../../logic/tree";
import { FilterChip } from "../../parts/FilterChip";
import { RoleChip } from "../../parts/parts";
import { Spark } from "./Spark";
import "../../styles/live.css";

const kPollMs = 1000;
const kSamples = 20;

interface Tile {
  measure: Measure;
  name: string;
  unit: string;
  isBad?: boolean;
}

const kGroups: { name: string; tiles: Tile[] }[] = [
  {
    name: "Incoming requests",
    tiles: [
      { measure: "requests", name: "Requests a second", unit: "" },
      { measure: "requestMs", name: "Mean duration", unit: "ms" },
      { measure: "requestsFailed", name: "Failed a second", unit: "", isBad: true },
    ],
  },
  {
    name: "Outgoing calls",
    tiles: [
      { measure: "dependencies", name: "Calls a second", unit: "" },
      { measure: "dependencyMs", name: "Mean duration", unit: "ms" },
      { measure: "dependenciesFailed", name: "Failed a second", unit: "", isBad: true },
    ],
  },
  {
    name: "Health",
    tiles: [
      { measure: "exceptions", name: "Exceptions a second", unit: "", isBad: true },
      { measure: "cpu", name: "Processor", unit: "%" },
      { measure: "memory", name: "Memory", unit: "By" },
    ],
  },
];

export function LivePage() {
  const { server: chosen } = useSearch({ from: "/live" });
  const navigate = useNavigate({ from: "/live" });
  const [isPaused, setPaused] = useState(false);
  const query = useQuery({ queryKey: ["live"], queryFn: ({ signal }) => getLiveMetrics(signal), refetchInterval: isPaused ? false : kPollMs, placeholderData: keepPreviousData });
  const items = useQuery({ queryKey: ["live-items"], queryFn: ({ signal }) => getItems({ limit: kSamples }, signal), refetchInterval: isPaused ? false : kPollMs, placeholderData: keepPreviousData });
  const slow = useDelayed(query.isPending);
  useEffect(() => {
    document.title = "Live · azmon-local";
  }, []);
  if (query.data === undefined) {
    if (query.isError) return <Failure what="The live metrics could not be read." error={query.error} onRetry={() => void query.refetch()} />;
    return slow ? <div className="page-skeleton" aria-hidden /> : null;
  }
  const all = bestServers(query.data.servers);
  const shown = chosen === undefined ? all : all.filter((entry) => entry.role === chosen);
  const roles = [...new Set([...all.map((entry) => entry.role), ...(chosen === undefined ? [] : [chosen])])].filter(Boolean).sort();
  return (
    <div className="live">
      <div className="live-tools">
        <h1>Live</h1>
        <FilterChip name="Role" value={chosen} choices={roles.map((role) => ({ value: role, text: role }))} onChange={(role) => void navigate({ search: { server: role } })} />
        <Button size="small" appearance="subtle" icon={isPaused ? <PlayRegular /> : <PauseRegular />} onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Go on" : "Pause"}
        </Button>
        <span className="quiet live-note" role="status">
          {shown.length === 0 ? "Waiting for servers: those with Live Metrics appear within five seconds, others with their next request." : `The last minute of ${shown.length === 1 ? "one server" : `${shown.length} servers`}`}
        </span>
      </div>
      <div className="live-groups">
        {kGroups.map((group) => (
          <section key={group.name} aria-label={group.name}>
            <h2>{group.name}</h2>
            {group.tiles.map((tile) => (
              <TileView key={tile.measure} tile={tile} data={query.data} servers={shown} />
            ))}
          </section>
        ))}
      </div>
      <div className="live-below">
        <Servers servers={shown} seconds={query.data.seconds} />
        <Samples data={query.data} items={items.data?.items ?? []} role={chosen} />
      </div>
    </div>
  );
}

function TileView({ tile, data, servers }: { tile: Tile; data: LiveMetrics; servers: readonly LiveServer[] }) {
  const raw = lineOf(servers, tile.measure, data.seconds);
  const isRate = tile.unit === "";
  const line = isRate ? withZeros(raw, servers) : raw;
  const now = newest(line);
  const known = line.filter((value) => value !== null);
  const most = known.length === 0 ? null : Math.max(...known);
  const text = formatValue(now, tile.unit);
  return (
    <div className={tile.isBad && now !== null && now > 0 ? "tile tile-bad" : "tile"}>
      <span className="tile-name">{tile.name}</span>
      <span className="tile-value">{text}</span>
      <span className="tile-most quiet">most {formatValue(most, tile.unit)}</span>
      <Spark line={line} isBad={tile.isBad} label={`${tile.name}: now ${text}, most in the last minute ${formatValue(most, tile.unit)}`} />
    </div>
  );
}

function Servers({ servers, seconds }: { servers: readonly LiveServer[]; seconds: number }) {
  const value = (server: LiveServer, measure: Measure) => newest(measure === "cpu" || measure === "memory" ? lineOf([server], measure, seconds) : withZeros(lineOf([server], measure, seconds), [server]));
  return (
    <section className="live-servers" aria-label="Servers">
      <h2>Servers</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Instance</th>
            <th scope="col">Known by</th>
            <th scope="col" className="number">Requests/s</th>
            <th scope="col" className="number">Failed/s</th>
            <th scope="col" className="number">Calls/s</th>
            <th scope="col" className="number">Processor</th>
            <th scope="col" className="number">Memory</th>
          </tr>
        </thead>
        <tbody>
          {servers.map((server) => (
            <tr key={`${server.source} ${server.role} ${server.instance}`}>
              <th scope="row">
                <RoleChip role={server.role} />
              </th>
              <td title={server.version}>{server.instance || server.machine || "–"}</td>
              <td>{server.source === "live" ? "Live Metrics" : server.source === "breeze" ? "its export (Azure)" : "its export (OTLP)"}</td>
              <td className="number">{formatRate(value(server, "requests"))}</td>
              <td className="number">{formatRate(value(server, "requestsFailed"))}</td>
              <td className="number">{formatRate(value(server, "dependencies"))}</td>
              <td className="number">{formatValue(value(server, "cpu"), "%")}</td>
              <td className="number">{formatValue(value(server, "memory"), "By")}</td>
            </tr>
          ))}
          {servers.length === 0 && (
            <tr>
              <td colSpan={8} className="quiet">
                None yet.
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

const formatRate = (value: number | null) => (value === null ? "–" : formatNumber(value));

interface Sample {
  key: string;
  at: number;
  type: string;
  role: string;
  text: string;
  result: string;
  duration: number | null;
  failed: boolean;
  operationId: string | null;
}

function sampleOf(item: Item): Sample {
  return {
    key: `item ${item.seq}`,
    at: parseTimestamp(item.timestamp),
    type: item.itemType,
    role: item.cloud_RoleName ?? "",
    text: rowTitle(item),
    result: item.resultCode ?? "",
    duration: item.duration ?? null,
    failed: item.success === false || item.itemType === "exception",
    operationId: item.operation_Id ?? null,
  };
}

/** What SDKs sent as samples; where none does, the newest items that arrived. */
function Samples({ data, items, role }: { data: LiveMetrics; items: readonly Item[]; role: string | undefined }) {
  const documents = data.documents.map<Sample>((document) => ({
    key: `document ${document.number}`,
    at: parseTimestamp(document.time),
    type: document.type === "RemoteDependency" ? "dependency" : document.type.toLowerCase(),
    role: document.role,
    text: document.type === "Exception" ? `${document.name}: ${document.detail}` : document.name,
    result: document.result,
    duration: document.duration ?? null,
    failed: document.type === "Exception" || Number(document.result) >= 400,
    operationId: null,
  }));
  const all = documents.length > 0 ? documents : items.filter((item) => item.itemType !== "metric").map(sampleOf);
  const shown = all.filter((sample) => role === undefined || sample.role === role).slice(0, kSamples);
  const now = Date.now();
  return (
    <section className="live-samples" aria-label="Sample telemetry">
      <h2>Sample telemetry</h2>
      <ul>
        {shown.map((sample) => (
          <li key={sample.key} className={sample.failed ? "sample sample-failed" : "sample"}>
            <span className="number quiet">{formatTime(sample.at, now)}</span>
            <span className="quiet">{sample.type}</span>
            <RoleChip role={sample.role} />
            {sample.operationId === null ? (
              <span className="sample-text">{sample.text}</span>
            ) : (
              <Link className="sample-text" to="/transactions/$operationId" params={{ operationId: sample.operationId }}>
                {sample.text}
              </Link>
            )}
            <span className="number quiet">{[sample.result, sample.duration === null ? "" : formatDuration(sample.duration)].filter(Boolean).join(" · ")}</span>
          </li>
        ))}
        {shown.length === 0 && <li className="quiet">Nothing yet.</li>}
      </ul>
    </section>
  );
}
