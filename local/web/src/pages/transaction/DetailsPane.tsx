// SPDX-License-Identifier: MIT
// Everything about one row. All values are text nodes: whatever telemetry contains, none of it becomes markup.
import { useId, useState, type ReactNode } from "react";
import { Button } from "@fluentui/react-components";
import { Tabs } from "../../parts/Tabs";
import { DismissRegular } from "@fluentui/react-icons";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { getRawItem } from "../../api/client";
import type { Item, Source } from "../../api/types";
import { Failure } from "../../app/Failure";
import { compareItems, properties, spanLinks, standardFields, typeName } from "../../logic/fields";
import { formatDuration, formatTime, formatUtc, parseTimestamp, plural } from "../../logic/format";
import { rowTitle, type Row, type TraceModel } from "../../logic/tree";
import type { TraceState } from "../../logic/url";
import { CopyButton } from "../../parts/CopyButton";
import { RoleChip, roleStyle } from "../../parts/parts";
import { Json } from "./Json";

interface Props {
  row: Row;
  model: TraceModel;
  tab: TraceState["tab"];
  onTab: (tab: TraceState["tab"]) => void;
  onClose: () => void;
  onGo: (row: Row) => void;
}

const kSourceNames: Record<Source, string> = { breeze: "Azure (Breeze)", otlp: "OTLP" };

export function DetailsPane({ row, model, tab, onTab, onClose, onGo }: Props) {
  const panel = useId();
  const sources = row.received.map((item) => item.source);
  const both = row.received.length > 1;
  const wanted = tab === "compare" ? (both ? tab : undefined) : tab !== undefined && sources.includes(tab) ? tab : undefined;
  const shown = wanted ?? "fields";
  const raw = row.received.find((item) => item.source === shown);
  return (
    <>
      <header className="details-head" style={roleStyle(row.item.cloud_RoleName ?? "")}>
        <div className="details-title">
          <span className="quiet">{typeName(row.item.itemType)}</span>
          <h2>{rowTitle(row.item)}</h2>
        </div>
        <Button size="small" appearance="subtle" icon={<DismissRegular />} aria-label="Close the details (Esc)" title="Close (Esc)" onClick={onClose} />
      </header>
      <Tabs
        label="Details and received as"
        panel={panel}
        value={shown}
        tabs={[
          { value: "fields", text: "Details" },
          ...sources.map((source) => ({ value: source, text: kSourceNames[source] })),
          ...(both ? [{ value: "compare" as const, text: "Compare" }] : []),
        ]}
        onChange={(value) => onTab(value === "fields" ? undefined : value)}
      />
      <div className="details-body" id={panel} role="tabpanel" tabIndex={0} aria-label={shown === "fields" ? "Details" : shown === "compare" ? "Compare" : kSourceNames[shown]}>
        {raw !== undefined ? (
          <RawItem key={raw.seq} item={raw} />
        ) : shown === "compare" ? (
          <Compare items={row.received} />
        ) : (
          <Fields row={row} model={model} onGo={onGo} />
        )}
      </div>
    </>
  );
}

function Fields({ row, model, onGo }: { row: Row; model: TraceModel; onGo: (row: Row) => void }) {
  const { item } = row;
  const [all, setAll] = useState(false);
  const fields = standardFields(item);
  const shown = all ? fields : fields.filter((field) => field.main);
  const custom = properties(item.customDimensions);
  const measurements = properties(item.customMeasurements);
  const links = spanLinks(item);
  const at = parseTimestamp(item.timestamp);
  const parent = row.parent >= 0 ? model.rows[row.parent]! : null;
  const marks = row.marks.map((index) => model.rows[index]!);
  return (
    <>
      <section>
        <dl className="fields">
          {shown.map((field) => (
            <FieldRow key={field.name} name={field.name} value={field.value} code={field.code}>
              {field.from === "timestamp" ? (
                <span title={formatUtc(at)}>{formatTime(at, Date.now())}</span>
              ) : field.from === "cloud_RoleName" ? (
                <RoleChip role={field.value} />
              ) : undefined}
            </FieldRow>
          ))}
          {all && <FieldRow name="UTC" value={item.timestamp} code />}
          <FieldRow name="Starts at" value={`+${formatDuration(row.start)}`} />
          {row.skew !== 0 && <FieldRow name="Clock adjusted by" value={`${row.skew > 0 ? "+" : "−"}${formatDuration(Math.abs(row.skew))}`} />}
        </dl>
        <Button size="small" appearance="transparent" className="show-all" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show less" : `Show all ${fields.length + 2} fields`}
        </Button>
      </section>
      {item.stack && (
        <section>
          <h3>
            Call stack <CopyButton text={item.stack} label="Copy the call stack" />
          </h3>
          <pre className="stack" tabIndex={0} aria-label="Call stack">
            {item.stack}
          </pre>
        </section>
      )}
      <Properties title="Custom properties" entries={custom} />
      <Properties title="Custom measurements" entries={measurements} />
      {links.length > 0 && (
        <section>
          <h3>Links</h3>
          <ul className="links">
            {links.map((link, index) => (
              <li key={index}>
                <Link to="/transactions/$operationId" params={{ operationId: link.operationId }} className="mono">
                  {link.operationId}
                </Link>
                {link.id !== "" && <span className="quiet mono"> {link.id}</span>}
              </li>
            ))}
          </ul>
        </section>
      )}
      {(parent !== null || marks.length > 0 || row.missingParent !== null) && (
        <section>
          <h3>Related</h3>
          <ul className="links">
            {row.missingParent !== null && (
              <li className="quiet">
                Parent <code>{row.missingParent}</code> was not received.
              </li>
            )}
            {parent !== null && (
              <li>
                <GoTo row={parent} what="Parent" onGo={onGo} />
              </li>
            )}
            {marks.slice(0, kRelatedMax).map((mark) => (
              <li key={mark.item.seq}>
                <GoTo row={mark} what={typeName(mark.item.itemType)} onGo={onGo} />
              </li>
            ))}
            {marks.length > kRelatedMax && <li className="quiet">and {plural(marks.length - kRelatedMax, "more", "more")}</li>}
          </ul>
        </section>
      )}
    </>
  );
}

/** Related rows listed in the details; all of them are in the waterfall. */
const kRelatedMax = 50;

function GoTo({ row, what, onGo }: { row: Row; what: string; onGo: (row: Row) => void }) {
  return (
    <button type="button" className="text-button" onClick={() => onGo(row)}>
      <span className="quiet">{what}</span> {rowTitle(row.item)}
    </button>
  );
}

function Properties({ title, entries }: { title: string; entries: { name: string; value: string }[] }) {
  if (entries.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <dl className="fields">
        {entries.map((entry) => (
          <FieldRow key={entry.name} name={entry.name} value={entry.value} code={entry.value.length > 60} />
        ))}
      </dl>
    </section>
  );
}

/** Values longer than this are folded to a few lines. */
const kFoldChars = 240;

function FieldRow({ name, value, code = false, children }: { name: string; value: string; code?: boolean; children?: ReactNode }) {
  const [open, setOpen] = useState(false);
  const long = value.length > kFoldChars || value.split("\n", 6).length > 5;
  return (
    <div className="field">
      <dt title={name}>{name}</dt>
      <dd>
        {children ?? <span className={`${code ? "mono " : ""}${long && !open ? "clamped" : "wrapped"}`}>{value}</span>}
        {long && (
          <button type="button" className="text-button more-button" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "less" : "more"}
          </button>
        )}
        <CopyButton text={value} label={`Copy ${name}`} />
      </dd>
    </div>
  );
}

function RawItem({ item }: { item: Item }) {
  // What came does not change any more.
  const query = useQuery({ queryKey: ["raw", item.seq], queryFn: ({ signal }) => getRawItem(item.seq, signal), staleTime: Infinity });
  if (query.data !== undefined) return <Json value={query.data} />;
  if (query.isPending) return <p className="quiet">Reading…</p>;
  return <Failure what="The item could not be read as it came." error={query.error} onRetry={() => void query.refetch()} level={3} />;
}

function Compare({ items }: { items: Item[] }) {
  const breeze = items.find((item) => item.source === "breeze");
  const otlp = items.find((item) => item.source === "otlp");
  if (breeze === undefined || otlp === undefined) return null;
  const rows = compareItems(breeze, otlp);
  const different = rows.filter((row) => !row.equal).length;
  return (
    <>
      <p>{different === 0 ? `All ${plural(rows.length, "field")} are equal.` : `${different} of ${plural(rows.length, "field")} ${different === 1 ? "differs" : "differ"}.`}</p>
      <table className="compare">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Azure (Breeze)</th>
            <th scope="col">OTLP</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name} className={row.equal ? "" : "differs"}>
              <th scope="row">
                {!row.equal && <span aria-label="differs">≠ </span>}
                {row.name}
              </th>
              <td>{row.breeze || <i className="quiet">absent</i>}</td>
              <td>{row.otlp || <i className="quiet">absent</i>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
